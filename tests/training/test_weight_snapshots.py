import pytest
import torch
from torch import nn

from playground import RunConfig, train
from playground.datasets import load_images
from playground.events import Checkpoint, Snapshot
from playground.runs.store import Store
from playground.runs.trained import NothingTrained, steps_kept, trained
from playground.training.weight_snapshots import MOST, ROOM, WeightSnapshots, to_half


def test_halves_are_exact_to_a_thousandth_and_never_infinite():
    values = torch.tensor([1.2345, -70000.0, 1e-3])
    assert to_half(values).tolist() == pytest.approx([1.2345, -65504, 1e-3], rel=1e-3)
    assert to_half(torch.tensor([7])).tolist() == [7]


def test_weights_are_kept_at_even_steps_and_less_often_when_they_are_large(monkeypatch):
    network = nn.Linear(64, 64, bias=False)

    def kept():
        kept = WeightSnapshots(1000)
        steps = [step for step in range(0, 1001, 10) if kept.due(step) and kept.copy(step, network)]
        return steps

    usual = kept()
    assert usual[0] == 0 and usual[-1] == 1000 and len(usual) <= MOST + 4
    monkeypatch.setattr("playground.training.weight_snapshots.ROOM", 64 * 64 * 2 * 5)
    assert len(kept()) <= 9 and ROOM > 64 * 64 * 2 * 5


@pytest.mark.slow
def test_a_run_can_be_looked_through_as_it_was(home, tiny):
    store, config = Store(home), RunConfig(**tiny)
    run, snapshots = store.create(config), {}
    for event in train(config):
        if isinstance(event, Snapshot):
            snapshots[event.step] = event.arrays["embedding"]
        if not isinstance(event, Checkpoint):
            store.write(run, event)
        else:
            store.folder(run).save_checkpoint(event.step, event.state)
    kept = steps_kept(store, run)
    assert kept[0] == 0 and kept[-1] == config.steps
    probe = load_images(config.data, home / "data")[1]
    for step in kept:
        found = trained(store, run, step)
        assert found.step == step
        features = found.method.embed(probe.pixels[: len(snapshots[step])].float() / 255)
        assert (features - torch.from_numpy(snapshots[step])).abs().max() < 0.02 * features.abs().max()
    assert trained(store, run).step == config.steps
    with pytest.raises(NothingTrained, match=r"must be one whose weights were kept \(0, .*\), got 99"):
        trained(store, run, 99)
    store.truncate(run, kept[1])
    assert steps_kept(store, run) == kept[:2]


@pytest.mark.slow
def test_the_last_step_comes_from_the_album_or_from_the_checkpoint(home, tiny):
    store, config = Store(home), RunConfig(**tiny)
    run = store.create(config)
    last = [event for event in train(config) if isinstance(event, Checkpoint)][-1]
    store.folder(run).save_checkpoint(last.step, last.state)
    assert trained(store, run, last.step).step == last.step
