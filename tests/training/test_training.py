import math
import queue
import threading

import numpy as np
import pytest
import torch

from playground import RunConfig, train
from playground.events import (
    Baseline,
    Change,
    Checkpoint,
    EvalImages,
    Finished,
    Metrics,
    Pause,
    Paused,
    Resume,
    SetKnob,
    Snapshot,
    Started,
    Stop,
    TakeStep,
    Verdict,
    Weights,
)
from playground.machine import devices
from playground.training.trainer import Trainer
from support.trainings import TINY, smallest, tiny_config, trainer_of


def numbers(events, leave=("views_per_second",)):
    """Every metric of every step, without what depends on the clock."""
    found = {}
    for event in events:
        if isinstance(event, Metrics):
            found.setdefault(event.step, {}).update({name: value for name, value in event.values.items() if name not in leave})
    return found


def of(kind, events):
    return [event for event in events if isinstance(event, kind)]


@pytest.fixture(scope="module")
def whole():
    """The run that most tests here are about, never interrupted."""
    return list(train(tiny_config(steps=6)))


@pytest.mark.slow
def test_a_run_tells_its_story_in_order(whole):
    events = whole
    assert [type(event) for event in events[:5]] == [EvalImages, Started, Baseline, Metrics, Snapshot]
    assert events[-1] == Finished(6, "finished", "", events[-1].facts)
    assert set(events[-1].facts) == {"seconds", "diagnostics_share", "views_per_second"}
    assert all("loss" in values for step, values in numbers(events).items() if step)
    assert [event.step for event in of(Snapshot, events)][:: len(of(Snapshot, events)) - 1] == [0, 6]
    assert of(Verdict, events)


@pytest.mark.slow
def test_two_runs_with_one_seed_are_equal_bit_for_bit_and_leave_the_global_generator_alone(whole):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    again = list(train(tiny_config(steps=6)))
    assert torch.equal(torch.rand(3), expected)
    assert numbers(whole) == numbers(again)
    for one, other in zip(of(Snapshot, whole), of(Snapshot, again), strict=True):
        assert all(np.array_equal(one.arrays[name], other.arrays[name]) for name in one.arrays)


@pytest.mark.slow
def test_another_seed_gives_another_run(whole):
    assert numbers(whole) != numbers(train(tiny_config(steps=6, seed=1)))


@pytest.mark.slow
def test_measuring_does_not_touch_the_training(whole):
    usual, measured = numbers(whole), numbers(train(tiny_config(steps=6), measure_at=(1, 2, 4, 5, 90)))
    assert {step: values["loss"] for step, values in usual.items() if step} == {
        step: values["loss"] for step, values in measured.items() if step
    }
    assert [step for step, values in measured.items() if "alignment" in values] == [0, 1, 2, 4, 5, 6]


@pytest.mark.slow
@pytest.mark.parametrize("method", ["simclr", "byol", "vicreg", "mae"])
def test_stopped_and_resumed_equals_never_stopped(method, whole):
    config = smallest(method, steps=6, batch_size=TINY["batch_size"])
    straight = numbers(whole if method == "simclr" else train(config))
    commands = queue.SimpleQueue()
    stopped = []
    for event in train(config, commands=commands):
        stopped.append(event)
        if isinstance(event, Started):
            for _ in range(3):
                commands.put(TakeStep())
            commands.put(Stop())
    assert stopped[-1].status == "stopped"
    at = stopped[-1].step
    assert 0 < at < config.steps
    rest = list(train(config, checkpoint=of(Checkpoint, stopped)[-1].state))
    assert rest[1].step == at
    both = numbers(stopped) | numbers(rest)
    assert {step: both[step]["loss"] for step in both if step} == {step: straight[step]["loss"] for step in straight if step}
    last = config.steps
    assert both[last] == straight[last]


@pytest.mark.slow
def test_a_checkpoint_survives_a_file(whole, tmp_path):
    config = tiny_config(steps=6)
    commands = queue.SimpleQueue()
    commands.put(TakeStep())
    commands.put(Stop())
    for event in train(config, commands=commands):
        if isinstance(event, Checkpoint):
            torch.save(event.state, tmp_path / "checkpoint.pt")
    state = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    assert numbers(train(config, checkpoint=state))[6] == numbers(whole)[6]


@pytest.mark.alone
def test_what_ran_before_in_this_process_changes_no_number(whole):
    """Not even in the last bit: a run that took fewer threads leaves them to the next one, which is calibrated by its own."""
    if devices.thread_limit() < 2:
        pytest.skip("this process has one thread")
    torch.set_num_threads(1)
    assert numbers(train(tiny_config(steps=6))) == numbers(whole)


@pytest.mark.slow
def test_a_moved_knob_is_recorded_and_replayed_exactly(whole):
    config = tiny_config(steps=6)
    commands = queue.SimpleQueue()
    lived = []
    for event in train(config, commands=commands):
        lived.append(event)
        if isinstance(event, Baseline):
            commands.put(TakeStep())
            commands.put(SetKnob("method.temperature", 0.9))
            commands.put(SetKnob("optimizer.learning_rate", 0.001))
            commands.put(Resume())
    changes = of(Change, lived)
    assert changes == [Change(2, "method.temperature", 0.9), Change(2, "optimizer.learning_rate", 0.001)]
    replayed = list(train(config, changes=changes))
    assert of(Change, replayed) == changes
    assert {s: v["loss"] for s, v in numbers(lived).items() if s} == {s: v["loss"] for s, v in numbers(replayed).items() if s}
    assert numbers(lived)[6] != numbers(whole)[6]


@pytest.mark.slow
def test_pause_waits_step_takes_one_and_resume_goes_on(tiny):
    commands = queue.SimpleQueue()
    commands.put(Pause())
    events = train(RunConfig(**tiny), commands=commands)
    for event in events:
        if isinstance(event, Paused):
            break
    assert event.step == 0
    commands.put(TakeStep())
    seen = [next(events) for _ in range(7)]
    assert [type(each) for each in seen] == [Metrics, Metrics, Snapshot, Weights, Verdict, Checkpoint, Paused]
    assert seen[-1].step == 1
    timer = threading.Timer(0.2, commands.put, [Resume()])
    timer.start()
    assert list(events)[-1].status == "finished"
    timer.join()


@pytest.mark.slow
def test_a_loss_that_is_not_finite_ends_the_run_in_a_sentence(tiny):
    wild = {"optimizer": "sgd", "optimizer.learning_rate": 10, "optimizer.momentum": 0.999, "optimizer.warmup_fraction": 0}
    config = RunConfig(**tiny | wild | {"method": "vicreg", "steps": 40})
    events = list(train(config))
    assert events[-1].status == "failed"
    assert events[-1].message.startswith("the loss is no longer a finite number at step ")
    assert "the measurements up to step" in events[-1].message
    assert all(np.isfinite(event.arrays["embedding"]).all() for event in of(Snapshot, events))


@pytest.mark.slow
def test_features_that_are_not_finite_end_the_run_in_a_sentence(tiny, monkeypatch):
    """Weights may be lost while the loss stays finite: what is measured says so."""

    def spoiled(trainer):
        trainer.step += 1
        with torch.no_grad():
            next(trainer.method.parameters()).fill_(math.nan)
        return {"loss": torch.ones(())}

    monkeypatch.setattr(Trainer, "update", spoiled)
    events = list(train(RunConfig(**tiny)))
    assert events[-1].status == "failed" and not of(Checkpoint, events)
    assert events[-1].message.startswith("the network's features are no longer finite numbers at step ")


@pytest.mark.slow
def test_out_of_memory_says_what_to_lower(tiny, monkeypatch):
    def full(self):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr("playground.training.trainer.Trainer.update", full)
    last = list(train(RunConfig(**tiny)))[-1]
    assert last.status == "failed"
    assert f"lower the batch size ({tiny['batch_size']})" in last.message


@pytest.mark.slow
def test_an_error_of_the_program_is_not_hidden(tiny, monkeypatch):
    def broken(self):
        raise RuntimeError("a bug")

    monkeypatch.setattr("playground.training.trainer.Trainer.update", broken)
    with pytest.raises(RuntimeError, match="a bug"):
        list(train(RunConfig(**tiny)))


def test_a_device_that_is_not_here_is_a_failed_run(tiny, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    last = list(train(RunConfig(**tiny | {"device": "cuda"})))[-1]
    assert last.status == "failed"
    assert "device must be one of" in last.message and "got cuda" in last.message


@pytest.mark.slow
def test_stopping_to_ask_for_events_stops_the_training(tiny):
    events = train(RunConfig(**tiny | {"steps": 100_000}))
    assert any(isinstance(event, Snapshot) for event in [next(events) for _ in range(6)])
    events.close()


@pytest.mark.slow
def test_accumulated_batches_give_the_gradient_of_their_mean():
    """BatchNorm aside (a ViT has none), two batches of 16 are one of 32 for a loss that is a mean over images."""
    shared = {"method": "mae", "batch_size": 16, "device": "cpu", "steps": 4}
    trainer = trainer_of(RunConfig(**shared, accumulation=2))
    batches = [trainer.batch(1, part) for part in range(2)]
    assert not set(batches[0].rows.tolist()) & set(batches[1].rows.tolist())
    trainer.step = 1
    values = trainer.learn(batches)
    added = [weight.grad.clone() for weight in trainer.method.parameters() if weight.grad is not None]
    alone = []
    for part, batch in enumerate(batches):
        fresh = trainer_of(RunConfig(**shared, accumulation=2))
        with fresh.device.autocast():
            loss = fresh.method.loss(batch, fresh._generator("loss", part))["loss"]
        loss.backward()
        alone.append(([weight.grad for weight in fresh.method.parameters() if weight.grad is not None], float(loss.detach())))
    for ours, first, second in zip(added, alone[0][0], alone[1][0], strict=True):
        assert torch.allclose(ours, (first + second) / 2, atol=1e-6, rtol=1e-4)
    assert float(values["loss"]) == pytest.approx((alone[0][1] + alone[1][1]) / 2, rel=1e-5)


@pytest.mark.slow
def test_accumulation_counts_its_views_and_goes_through_the_data(tiny):
    events = list(train(RunConfig(**tiny, accumulation=3)))
    started = next(event for event in events if isinstance(event, Started))
    assert started.facts["views_per_step"] == tiny["batch_size"] * 3 * 2
    trainer = trainer_of(RunConfig(**tiny, accumulation=3))
    rows = [tuple(trainer.batch(step, part).rows.tolist()) for step in (1, 2) for part in range(3)]
    assert len(set(sum(rows, ()))) == 6 * tiny["batch_size"]


@pytest.mark.slow
@pytest.mark.parametrize(("knob", "value", "begins"), [("method.variance_weight", 100.0, 4), ("optimizer.learning_rate", 0.01, 1)])
def test_the_judge_compares_losses_since_a_knob_of_the_task_was_moved(knob, value, begins, tiny):
    events = list(train(RunConfig(**tiny | {"method": "vicreg"}), changes=[Change(4, knob, value)]))
    losses = {event.step: event.values["loss"] for event in events if isinstance(event, Metrics) and "loss" in event.values}
    state = next(event.state for event in events if isinstance(event, Checkpoint))
    assert state["course"]["start"] == losses[begins] and state["course"]["recent"] == [losses[step] for step in range(begins, 7)]
    assert state["said"]["step"] == 6
