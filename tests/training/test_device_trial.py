"""How a run computes is measured by real steps, kept in the home, said, overridden and kept by the run itself."""

import dataclasses
import json
import os
import time

import pytest
import torch

from playground import train
from playground.bench.neighbors import busy
from playground.events import Checkpoint, Started
from playground.training import device_trial
from playground.training.device_trial import FILE, chosen
from support import beginnings
from support.trainings import tiny_config, trainer_of

pytestmark = pytest.mark.slow

TAKES_TURNS = device_trial._Trial.takes_turns


@pytest.fixture(autouse=True)
def forgotten(monkeypatch):
    """The trial itself, and no answer of an earlier test; and clocks that are made up know nothing of cores that are shared."""
    monkeypatch.setattr(device_trial, "_remembered", {})
    monkeypatch.setattr(device_trial, "_measured", beginnings.MEASURED)
    monkeypatch.setattr(device_trial._Trial, "takes_turns", lambda self, device: True)


def fresh():
    return trainer_of(tiny_config(steps=2))


def paced(monkeypatch, **pace):
    """A clock on which one pass takes as long as `pace` says of its precision or its memory format, 1 where it says nothing."""

    def seconds(work, device):
        work()
        words = device.describe().split(", ")
        return next((pace[each] for each in words if each in pace), 1.0)

    monkeypatch.setattr(device_trial, "_seconds", seconds)
    monkeypatch.setattr(device_trial._Trial, "best_threads", lambda self, device: device.threads)


def test_the_trial_leaves_weights_and_random_numbers_as_they_are(home):
    trainer, state = fresh(), torch.get_rng_state()
    before = {name: each.clone() for name, each in trainer.method.state_dict().items()}
    chosen(trainer, home)
    assert all(torch.equal(each, before[name]) for name, each in trainer.method.state_dict().items())
    assert all(weight.grad is None for weight in trainer.method.parameters()) and torch.equal(state, torch.get_rng_state())


@pytest.mark.parametrize(("pace", "half", "memory"), [
    ({"bfloat16": 0.5}, torch.bfloat16, torch.channels_last),
    ({"bfloat16": 2.0}, None, torch.channels_last),
    ({"bfloat16": 0.95}, None, torch.channels_last),  # hardly faster: what usually pays is kept
    ({"contiguous_format": 0.5}, None, torch.contiguous_format),
    ({"bfloat16": 100.0, "contiguous_format": 100.0}, None, torch.channels_last),
])  # fmt: skip
def test_what_is_clearly_faster_is_chosen(home, monkeypatch, pace, half, memory):
    paced(monkeypatch, **pace)
    device = chosen(fresh(), home)
    assert (device.autocast_dtype, device.memory_format) == (half, memory)


def test_the_answer_is_kept_in_the_home_and_says_why(home, monkeypatch):
    paced(monkeypatch, bfloat16=0.25)
    first = chosen(fresh(), home)
    assert first.why == "measured on this machine: bfloat16 trains 4.0 times as fast as float32"
    ((key, kept),) = json.loads((home / FILE).read_text()).items()
    assert kept["precision"] == "bfloat16" and "resnet-tiny" in key and torch.__version__ in key
    monkeypatch.setattr(device_trial, "_remembered", {})
    monkeypatch.setattr(device_trial, "_measured", lambda trainer: pytest.fail("measured again"))
    assert chosen(fresh(), home) == first


def test_a_file_that_cannot_be_read_is_measured_again(home, monkeypatch):
    paced(monkeypatch)
    (home / FILE).write_text('{"half a')
    assert chosen(fresh(), home).autocast_dtype is None
    assert json.loads((home / FILE).read_text())


def test_two_runs_of_a_process_compute_alike_whatever_another_process_writes_meanwhile(home):
    first = chosen(fresh(), home)
    kept = json.loads((home / FILE).read_text())
    (home / FILE).write_text(json.dumps({key: answer | {"why": "somebody else"} for key, answer in kept.items()}))
    assert chosen(fresh(), home) == first


@pytest.mark.parametrize(("waited", "threads"), [(0.0, 1), (100.0, 2)])
def test_one_thread_is_taken_where_it_is_faster_and_nobody_else_was_busy(home, monkeypatch, waited, threads):
    """A clock on which two threads are slower than one, and a kernel in which ours waited for a core, or did not."""
    counts = iter([0.0, waited])
    monkeypatch.setattr(device_trial, "_clock", lambda work: work() or (2.0 if torch.get_num_threads() > 1 else 1.0))
    monkeypatch.setattr(device_trial, "waited", lambda: next(counts))
    trainer = fresh()
    trainer.device = dataclasses.replace(trainer.device, threads=2)
    assert chosen(trainer, home).threads == threads


@pytest.mark.parametrize(
    ("seconds", "threads"),
    [
        ({12: 4.0, 6: 2.0, 3: 1.0, 1: 3.0}, 3),
        ({12: 1.0, 6: 1.5, 3: 0.1}, 12),  # three would be faster, but nobody looks further once half is slower
        ({12: 1.05, 6: 1.0, 3: 1.2}, 12),  # too little to leave what is usual
        ({12: 4.0, 6: 3.0, 3: 2.0, 1: 1.0}, 1),
    ],
)
def test_threads_are_halved_as_long_as_that_is_faster(home, monkeypatch, seconds, threads):
    monkeypatch.setattr(device_trial._Trial, "prepared", lambda trial, device: lambda: None)  # so many threads would be slow in earnest
    monkeypatch.setattr(device_trial, "_clock", lambda work: work() or seconds[torch.get_num_threads()])
    monkeypatch.setattr(device_trial, "waited", lambda: 0.0)
    trainer = fresh()
    trainer.device = dataclasses.replace(trainer.device, threads=12)
    assert chosen(trainer, home).threads == threads


def test_fewer_threads_are_not_taken_for_what_slowed_all_of_them_once(home, monkeypatch):
    """Two threads are slow while somebody passes by, and then faster than one."""
    passes = iter([9.0] * device_trial.ROUNDS)
    monkeypatch.setattr(device_trial, "_clock", lambda work: work() or (next(passes, 1.0) if torch.get_num_threads() > 1 else 1.5))
    monkeypatch.setattr(device_trial, "waited", lambda: 0.0)
    trainer = fresh()
    trainer.device = dataclasses.replace(trainer.device, threads=2)
    assert chosen(trainer, home).threads == 2


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity") or len(os.sched_getaffinity(0)) < 2, reason="needs two cores to choose from")
@pytest.mark.parametrize(
    ("alone", "shared", "device"),
    [
        ({"bfloat16": 1.0, "float32": 2.0, 1: 2.0}, 1.1, "bfloat16, channels_last, 2 threads"),  # on one core as one thread
        ({"bfloat16": 1.0, "float32": 1.2, 1: 2.0}, 40.0, "float32, channels_last, 2 threads"),  # they wait in vain there
        ({"bfloat16": 1.0, "float32": 3.0, 1: 2.0}, 40.0, "bfloat16, channels_last, 1 thread"),
    ],
)
def test_threads_that_cannot_share_a_core_are_left_for_what_is_next_best(home, monkeypatch, alone, shared, device):
    """A clock that knows the precision, the number of threads, and whether they are on one core, where bfloat16 takes `shared` times as
    long as one thread."""
    cores = os.sched_getaffinity(0)
    halves = []

    def prepared(trial, device):
        def work():
            halves.append(device.autocast_dtype)

        return work

    def clock(work):
        work()
        threads, half = torch.get_num_threads(), halves[-1]
        if len(os.sched_getaffinity(0)) == 1 and threads > 1:
            return alone[1] * (shared if half else 1.3)
        return alone[1] * (1.0 if half else 1.2) if threads == 1 else alone["bfloat16" if half else "float32"]

    monkeypatch.setattr(device_trial._Trial, "takes_turns", TAKES_TURNS)
    monkeypatch.setattr(device_trial._Trial, "prepared", prepared)
    monkeypatch.setattr(device_trial, "_clock", clock)
    monkeypatch.setattr(device_trial, "_seconds", lambda work, device: work() or (0.5 if device.autocast_dtype else 1.0))
    monkeypatch.setattr(device_trial, "waited", lambda: 0.0)
    trainer = fresh()
    trainer.device = dataclasses.replace(trainer.device, threads=2)
    found = chosen(trainer, home)
    assert found.describe() == f"cpu, {device}"
    assert ("cannot share a core" in found.why) == (shared > device_trial.CLUMSY) and os.sched_getaffinity(0) == cores


@pytest.mark.alone
def test_the_threads_that_are_chosen_share_a_core_on_this_machine(home, monkeypatch):
    monkeypatch.setattr(device_trial._Trial, "takes_turns", TAKES_TURNS)
    trainer = fresh()
    trainer.device = dataclasses.replace(trainer.device, threads=2)
    assert TAKES_TURNS(device_trial._Trial(trainer), chosen(trainer, home))


@pytest.mark.alone
@pytest.mark.skipif(not hasattr(os, "sched_setaffinity") or len(os.sched_getaffinity(0)) < 2, reason="needs two cores to choose from")
@pytest.mark.parametrize(("slower", "share"), [(6.0, True), (39.0, False)])  # on one core; the slowest and the quickest that were seen
def test_a_busy_program_does_not_change_whether_threads_can_share_a_core(home, monkeypatch, slower, share):
    """The program, the clock and the cores are real; only the work is made up: seconds of a core, by the number of threads."""

    def prepared(trial, device):
        def work():
            begun = time.thread_time()
            while time.thread_time() - begun < 0.01 * (1 if torch.get_num_threads() == 1 else slower):
                pass

        return work

    trainer = fresh()
    trial = device_trial._Trial(trainer)
    monkeypatch.setattr(device_trial._Trial, "prepared", prepared)
    with busy(1):
        assert TAKES_TURNS(trial, dataclasses.replace(trainer.device, threads=2)) is share


@pytest.mark.alone
def test_what_is_chosen_next_to_a_busy_program_can_share_a_core_with_it(home, monkeypatch):
    monkeypatch.setattr(device_trial._Trial, "takes_turns", TAKES_TURNS)
    trainer = fresh()
    trainer.device = dataclasses.replace(trainer.device, threads=2)
    with busy(1):
        found = chosen(trainer, home)
    assert TAKES_TURNS(device_trial._Trial(trainer), found)  # measured again, when the program has ended


def test_the_settings_override_what_was_measured(home, monkeypatch):
    monkeypatch.setattr(device_trial, "_measured", lambda trainer: pytest.fail("measured although asked"))
    started = next(each for each in train(tiny_config(steps=2, **{"device.precision": "bfloat16"})) if isinstance(each, Started))
    assert "bfloat16" in started.facts["device"] and started.facts["device_why"] == "bfloat16, as set in the settings"


def test_a_run_goes_on_in_the_precision_that_it_began_in(home, monkeypatch):
    paced(monkeypatch, bfloat16=0.5)
    config = tiny_config(steps=2)
    events = list(train(config))
    kept = next(each for each in reversed(events) if isinstance(each, Checkpoint))
    paced(monkeypatch, bfloat16=2.0)
    (home / FILE).unlink()
    monkeypatch.setattr(device_trial, "_remembered", {})
    started = next(each for each in train(config, checkpoint=kept.state) if isinstance(each, Started))
    assert "bfloat16" in started.facts["device"]


def test_a_checkpoint_of_a_run_without_a_device_can_be_gone_on_with(home):
    config = tiny_config(steps=2)
    kept = next(each for each in reversed(list(train(config))) if isinstance(each, Checkpoint)).state
    del kept["device"]
    assert isinstance(next(iter(train(config, checkpoint=kept))), object)
