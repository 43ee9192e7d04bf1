"""The collapse lab without a browser: what can be broken, its link, its sentences, and the way to training."""

import base64
import itertools

import numpy as np
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from playground import RunConfig
from playground.analysis.interventions import FAILURE_MODES, breaks, broken, differences, guarded_first
from playground.events import Change, Finished, Snapshot, Verdict
from playground.knobs import ConfigError
from playground.methods import CATALOG
from playground.web.routes import routes
from support import opening
from support.opening import address, by_key, rendered, sentences
from support.pools import pool_of_pages
from support.trainings import tiny_config

LAB = "collapse.py"


@pytest.fixture(scope="module")
def pool(tmp_path_factory):
    with pool_of_pages(tmp_path_factory.mktemp("lab")) as pool:
        yield pool


def opened(**query):
    return opening.opened(LAB, **{key.replace("__", "."): value for key, value in query.items()})


def lab_of(page):
    return {key.removeprefix("lab."): value for key, value in address(page).items() if key.startswith("lab.")}


def written(pool, config, *events, status="running", beside=""):
    run = pool.store.create(config, beside=beside)
    pool.store.mark(run, status)
    for event in events:
        pool.store.write(run, event)
    return run


@pytest.mark.parametrize("method", CATALOG)
def test_every_way_to_break_a_method_is_a_config_and_changes_only_what_it_says(method):
    healthy = RunConfig(method=method)
    ways = breaks(healthy)
    assert {f"method.{each.name}" for each in ways if each.safeguard} == {each.key for each in healthy.knobs() if each.without}
    for each in ways:
        changed = differences(healthy.flat(), broken(healthy, [each.name]).flat())
        assert {key: now for key, _, now in changed} == dict(each.values), each.name
        assert each.live == all(key in healthy.live() for key in each.values)


def test_the_ends_of_live_knobs_exclude_each_other_and_a_schedule_gives_way():
    healthy = RunConfig(**{"schedule.method.temperature": "linear 0.5"})
    ways = {each.name: each for each in breaks(healthy)}
    assert (ways["temperature-low"].values, ways["temperature-high"].values) == ({"method.temperature": 0.01}, {"method.temperature": 2})
    with pytest.raises(ConfigError, match="temperature 0.01 and temperature 2 must not be chosen together"):
        broken(healthy, ["temperature-low", "temperature-high"])
    assert "schedule.method.temperature" not in broken(healthy, ["temperature-low"]).flat()
    assert broken(healthy, ["fast"]).flat()["optimizer.learning_rate"] == pytest.approx(0.3)
    top = RunConfig(**{"optimizer.learning_rate": 10})
    assert "fast" not in {each.name for each in breaks(top)}, "at the end of its range there is no faster"


def test_methods_with_safeguards_come_first():
    guarded = [bool([each for each in breaks(RunConfig(method=name)) if each.safeguard]) for name in guarded_first()]
    assert guarded == sorted(guarded, reverse=True) and sorted(guarded_first()) == sorted(CATALOG) and len(set(guarded)) == 2


@pytest.mark.slow
def test_at_first_it_explains_seven_ways_to_fail_and_one_click_starts_what_shows_most(pool):
    page = opened()
    assert len(page.table[0].value) == 7
    assert address(page)["method"] == "simsiam"
    assert any("Off: expect complete collapse" in each.value for each in page.caption)
    by_key(page, "button", "start").click()
    rendered(page)
    healthy, sick = (pool.store.run(lab_of(page)[side]) for side in ("healthy", "broken"))
    assert differences(healthy.flat, sick.flat) == [("method.stop_gradient", True, False)]
    assert sick.beside == healthy.id and pool.position(healthy.id) == pool.position(sick.id) == 1
    assert any("stop gradient** on → off" in each.value for each in page.caption)
    # A double click does not stop what it has just started; Stop ends both.
    by_key(page, "button", "start").click()
    assert lab_of(rendered(page)) == {"healthy": healthy.id, "broken": sick.id, "breaks": "stop_gradient"}
    by_key(page, "button", "stop").click()
    rendered(page)
    assert {pool.store.run(run).status for run in (healthy.id, sick.id)} == {"stopped"}


@pytest.mark.slow
def test_switches_and_extremes_go_into_the_address_and_a_link_opens_the_same_lab(pool):
    page = opened(method="vicreg", steps="50")
    assert [each.key for each in page.toggle if each.key.startswith("lab.")] == [
        "lab.keep.variance",
        "lab.keep.covariance",
    ]
    by_key(page, "toggle", "lab.keep.variance").set_value(True)
    by_key(page, "toggle", "lab.keep.covariance").set_value(False)
    rendered(page)
    extremes = by_key(page, "button_group", "lab.extremes")
    extremes.set_value(["variance_weight-low", "augment-none"])
    rendered(page)
    link = address(page)
    assert link["lab.breaks"] == "covariance,augment-none,variance_weight-low"
    other = opened(**link)
    assert not by_key(other, "toggle", "lab.keep.covariance").value and by_key(other, "toggle", "lab.keep.variance").value
    assert by_key(other, "button_group", "lab.extremes").value == ["variance_weight-low", "augment-none"]
    assert address(other) == link
    # The other end of the same knob takes its place.
    by_key(other, "button_group", "lab.extremes").set_value(["variance_weight-low", "variance_weight-high"])
    assert "variance_weight-low" not in lab_of(rendered(other))["breaks"]
    for name in ("covariance", "variance"):
        by_key(other, "toggle", f"lab.keep.{name}").set_value(True)
    rendered(other)
    by_key(other, "button_group", "lab.extremes").set_value([])
    rendered(other)
    assert lab_of(other)["breaks"] == "-" and by_key(other, "button", "start").disabled
    assert any("Choose what to break" in each.value for each in other.warning)


@pytest.mark.slow
def test_what_cannot_be_is_said_in_a_sentence_and_safeguards_that_are_off_for_both_can_be_put_back(pool):
    page = opened(method="byol", lab__breaks="predictor,negatives")
    assert any("lab.breaks must be among stop_gradient, predictor" in each and "got negatives" in each for each in sentences(page))
    assert lab_of(page)["breaks"] == "predictor,negatives", "what was refused stays in the address"
    assert not by_key(page, "toggle", "lab.keep.predictor").value
    page = opened(method="byol", method__predictor="false", steps="0")
    assert any("steps must be a whole number from 1" in each for each in sentences(page))
    page = opened(method="byol", method__predictor="false")
    assert any("Both runs are without predictor" in each.value for each in page.caption)
    by_key(page, "button", "put-back").click()
    assert address(rendered(page))["method.predictor"] == "true"
    assert "no safeguard to take away" in " ".join(each.value for each in opened(method="rotation").caption)


@pytest.mark.slow
def test_each_way_to_fail_says_what_its_button_does(pool):
    page = opened()
    assert any(each.value.startswith("See one happen: a button changes the settings") for each in page.caption)
    for way in FAILURE_MODES:
        said = by_key(page, "button", f"way-{way.state.replace(' ', '-')}").help
        method = CATALOG[way.settings["method"]]
        assert said.startswith(method.title) and said.endswith("Starts both runs.")
        assert way.looks and way.cause and way.state in str(page.table[0].value)


@pytest.mark.slow
def test_a_live_knob_is_broken_and_restored_in_the_broken_run_alone(pool, monkeypatch):
    config = tiny_config(steps=4)
    healthy = written(pool, config)
    sick = written(pool, config, beside=healthy)
    told = []
    monkeypatch.setattr(pool, "command", lambda run, command: told.append((run, command.name, command.value)))
    page = opened(lab__healthy=healthy, lab__broken=sick, lab__breaks="-")
    assert by_key(page, "button", "restore").disabled and "differ in nothing" in by_key(page, "button", "restore").help
    by_key(page, "button_group", "lab.extremes").set_value(["temperature-low"])
    rendered(page)
    assert told == [(sick, "method.temperature", 0.01)]
    pool.store.write(sick, Change(3, "method.temperature", 0.01))
    page = opened(**address(page))
    assert any("temperature** 0.2 → 0.01 since step 3" in each.value for each in page.caption)
    by_key(page, "button", "restore").click()
    rendered(page)
    assert told[1:] == [(sick, "method.temperature", 0.2)] and lab_of(page)["breaks"] == "-"
    pool.store.write(sick, Change(4, "method.temperature", 0.2))
    rendered(page)
    assert by_key(page, "button", "restore").label == "Break again"
    by_key(page, "button", "restore").click()
    rendered(page)
    assert told[2:] == [(sick, "method.temperature", 0.01)] and lab_of(page)["breaks"] == "temperature-low"
    # A safeguard is built in: it waits for the next pair.
    by_key(page, "toggle", "lab.keep.negatives").set_value(False)
    rendered(page)
    assert len(told) == 3


@pytest.mark.slow
def test_what_another_tab_breaks_and_heals_in_the_broken_run_is_marked_here_too(pool):
    config = tiny_config(steps=4)
    healthy = written(pool, config)
    sick = written(pool, config, beside=healthy)
    page = opened(lab__healthy=healthy, lab__broken=sick, lab__breaks="negatives")
    for step, (value, chosen) in enumerate(((0.01, ["temperature-low"]), (2.0, ["temperature-high"]), (0.2, [])), 3):
        pool.store.write(sick, Change(step, "method.temperature", value))
        assert by_key(rendered(page), "button_group", "lab.extremes").value == chosen
        assert lab_of(page)["breaks"] == ",".join(["negatives", *chosen])


@pytest.mark.slow
def test_failed_finished_and_missing_runs_keep_the_page_and_either_opens_on_the_train_page(pool):
    config = tiny_config(steps=4, seed=3)
    old = Verdict(4, "healthy", "No collapse.", {})
    healthy = written(pool, config, old, Finished(4, "finished"))
    sick = written(pool, broken(config, ["fast"]), Finished(2, "failed", "the loss must be finite, got nan"), beside=healthy)
    page = opened(lab__healthy=healthy, lab__broken=sick)
    assert by_key(page, "button", "pause").label == "Resume" and address(page)["seed"] == "3"
    by_key(page, "button", "open-broken").click()
    rendered(page)
    train = address(page)
    assert (train["run"], train["optimizer.learning_rate"]) == (sick, "0.3")
    page = opened(lab__healthy=healthy, lab__broken="nobody")
    assert lab_of(page)["broken"] == "nobody" and by_key(page, "button", "open-broken").disabled


def test_the_titles_of_ways_are_told_apart():
    for method in CATALOG:
        ways = breaks(RunConfig(method=method))
        for one, other in itertools.combinations(ways, 2):
            assert one.name != other.name and one.title != other.title


@pytest.mark.slow
@pytest.mark.parametrize("way", FAILURE_MODES, ids=lambda way: way.state)
def test_every_way_to_fail_starts_in_one_click(pool, way):
    page = opened(steps="4")
    by_key(page, "button", f"way-{way.state.replace(' ', '-')}").click()
    rendered(page)
    runs = [pool.store.run(lab_of(page)[side]) for side in ("healthy", "broken")]
    assert way.settings.items() <= runs[0].flat.items() and tuple(lab_of(page)["breaks"].split(",")) == way.breaks
    assert differences(runs[0].flat, runs[1].flat)
    by_key(page, "button", "stop").click()
    rendered(page)


def test_the_map_of_the_projector_lies_as_that_of_the_backbone(pool):
    generator = np.random.default_rng(0)
    line = np.linspace(-1, 1, 20, dtype=np.float32)[:, None]
    arrays = {"embedding": generator.normal(size=(20, 8)).astype(np.float32), "pca": np.hstack([line, 0 * line])}
    run = written(
        pool, tiny_config(steps=4), Snapshot(1, arrays | {"projection": (3 * line * generator.normal(size=(1, 4))).astype(np.float16)})
    )
    pool.store.write(run, Snapshot(2, arrays))
    client = TestClient(Starlette(routes=routes(lambda: pool)))
    found = client.get(f"/api/runs/{run}/snapshots/1/projector").json()["pca"]
    plane = np.frombuffer(base64.b64decode(found["data"]), np.float32).reshape(found["shape"])
    assert np.corrcoef(plane[:, 0], line[:, 0])[0, 1] > 0.999 and np.abs(plane[:, 1]).max() < 0.01
    answer = client.get(f"/api/runs/{run}/snapshots/2/projector")
    assert answer.status_code == 404 and answer.json()["error"] == f"run {run} keeps nothing of a projector at step 2"
