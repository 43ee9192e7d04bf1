import pytest
import torch

from playground import RunConfig, train
from playground.datasets import CATALOG
from playground.events import Checkpoint
from playground.runs.records import UnknownRun
from playground.runs.store import Store
from playground.runs.trained import NothingTrained, trained


@pytest.mark.slow
def test_a_run_is_found_again_as_its_checkpoint_left_it(home, tiny):
    store, config = Store(home), RunConfig(**tiny)
    run = store.create(config)
    with pytest.raises(NothingTrained, match="must have a checkpoint"):
        trained(store, run)
    checkpoint = [event for event in train(config) if isinstance(event, Checkpoint)][-1]
    store.folder(run).save_checkpoint(checkpoint.step, checkpoint.state)
    found = trained(store, run)
    assert (found.step, found.config) == (6, config)
    assert not found.method.training and not any(weight.requires_grad for weight in found.method.parameters())
    kept = checkpoint.state["method"]
    assert all(torch.equal(each, kept[name]) for name, each in found.method.state_dict().items())
    assert trained(store, run) is found
    pixels = CATALOG["shapes"].load(config.data, None)[1].pixels[:4].float() / 255
    assert found.method.embed(pixels).std(0).mean() > 0
    store.folder(run).save_checkpoint(9, checkpoint.state)
    assert trained(store, run).step == 9, "the newest of several"
    store.folder(run).forget_after(6)
    assert trained(store, run).step == 6, "a run that went back"


def test_a_run_that_never_was_is_unknown(home):
    with pytest.raises(UnknownRun):
        trained(Store(home), "nowhere1")
