import itertools

import pytest

from playground.training.measurement_schedule import MARGIN, MAX_EMBED_COST, MOST, SHARE, MeasurementSchedule, plan, probe_size, thinned


@pytest.mark.parametrize("steps", [1, 2, 5, 21, 300, 400, 10_000, 1_000_000])
@pytest.mark.parametrize("cost", [0.01, 0.5, 1.8, 5.5, 60])
def test_a_plan_never_costs_more_than_its_share_beyond_first_and_last(steps, cost):
    found = plan(steps, cost)
    assert found[0] == 0 and found[-1] == steps
    assert found == sorted(set(found))
    assert (len(found) - 2) * cost * MARGIN <= SHARE * steps
    assert len(found) <= MOST + 2


def test_a_plan_is_dense_at_the_start_and_sparser_and_sparser_afterwards():
    found = plan(300, 1.0)
    assert found == [0, 8, 23, 43, 66, 92, 121, 152, 186, 222, 260, 300]  # 300 (i / 11) ** 1.5
    gaps = [b - a for a, b in itertools.pairwise(found)]
    assert gaps == sorted(gaps)


def test_a_plan_that_costs_too_much_is_thinned_and_keeps_its_end():
    rest = list(range(10, 101, 10))
    assert thinned(rest, spent=0, each=1, training=2000) == rest
    sparser = thinned(rest, spent=0, each=1, training=120)
    assert sparser == [10, 20, 30, 40, 60, 100]
    assert thinned(rest, spent=100, each=1, training=60) == [100]


def test_a_little_too_much_costs_one_measurement_and_not_the_start():
    """What the default run measured on two cores, where half of a plan went for three hundredths of its cost."""
    rest = [23, 43, 66, 92, 121, 152, 186, 222, 260, 300]
    assert thinned(rest, spent=0.57, each=0.194, training=45) == [23, 43, 66, 92, 121, 152, 222, 300]
    plans = [thinned(rest, 0.57, 0.194, training) for training in (60, 45, 30, 20, 10)]
    assert plans[0] == rest and plans[-2:] == [[43, 300], [300]]
    assert all(set(slower) <= set(faster) for faster, slower in itertools.pairwise(plans))


def test_one_measurement_that_was_held_up_does_not_thin_the_plan():
    measurements = MeasurementSchedule(300, 1.0)
    planned = [each for each in measurements.rest if each > 23]
    for step, training, seconds in ((0, 0.0, 0.1), (8, 1.2, 0.1), (23, 3.4, 0.3)):
        measurements.training = training
        measurements.measured(step, seconds)
    assert measurements.rest == planned


def test_a_cold_start_is_not_taken_for_the_pace_of_the_run():
    measurements = MeasurementSchedule(3000, 0.05)
    for step, training in ((0, 0.0), (1, 4.0), (3, 4.008), (5, 4.016)):
        measurements.training = training
        measurements.measured(step, 0.3)
    assert measurements.rest == [3000], "of 16 s of training a twentieth is not even three measurements"


def test_cadence_keeps_the_whole_run_within_its_share_when_measuring_is_dear():
    measurements = MeasurementSchedule(1000, relative_cost=0.5)
    for step in range(1, 1001):
        measurements.training += 1
        if measurements.due(step):
            measurements.measured(step, 10.0)
    assert measurements.last == 1000
    assert measurements.measuring / measurements.training <= SHARE


def test_steps_that_were_asked_for_are_measured_whatever_they_cost():
    measurements, measured = MeasurementSchedule(100, relative_cost=50, at=(3, 7, 50, 60)), []
    for step in range(1, 101):
        measurements.training += 1
        if measurements.due(step):
            measured.append(step)
            measurements.measured(step, 1000.0)
    assert measured == [3, 7, 50, 60, 100]


def test_cadence_goes_on_from_its_state():
    one = MeasurementSchedule(100, 0.5)
    one.measured(0, 0.1)
    one.measured(1, 0.1)
    other = MeasurementSchedule(100, 0.5)
    other.restore(one.state())
    assert vars(one) == vars(other)


def test_a_dear_network_is_measured_on_fewer_images():
    assert probe_size(1024, 0.0) == 1024
    assert probe_size(1024, 1.5 * MAX_EMBED_COST / 1024) == 512
    assert probe_size(1024, 100.0) == 256
