"""Multi-task: the gradients that reach the encoder, against loops and autograd."""

import pytest
import torch

from playground.config import RunConfig
from playground.devices import pick
from playground.randomness import stream
from playground.trainer import Trainer
from playground.training import load_images


def trainer(weighting="fixed", **more):
    given = {"method": "multitask", "method.weighting": weighting, "method.first": "simclr", "method.second": "vicreg"}
    config = RunConfig(**given | {"network": "resnet-tiny", "batch_size": 32, "device": "cpu"} | more)
    return Trainer(config, load_images(RunConfig().data, None)[0], pick("cpu", "resnet"))


def gradient(method):
    return torch.cat([weight.grad.flatten() for weight in method.backbone.parameters()])


def test_fixed_weights_give_the_gradient_of_the_weighted_sum():
    made = trainer(**{"method.first_weight": 0.5, "method.second_weight": 2}).method
    batch = trainer().batch(1)
    values = made.loss(batch, stream(0, "loss", 1))
    assert torch.allclose(values["loss"], 0.5 * values["loss/simclr"] + 2 * values["loss/vicreg"], rtol=1e-6)
    made.backward(values)
    ours, heads = gradient(made), [w.grad.clone() for w in made.tasks.parameters() if w.grad is not None]
    made.zero_grad()
    made.loss(batch, stream(0, "loss", 1))["loss"].backward()
    assert torch.allclose(ours, gradient(made), atol=1e-5, rtol=1e-4)
    plain = [w.grad for w in made.tasks.parameters() if w.grad is not None]
    assert all(torch.allclose(a, b, atol=1e-5, rtol=1e-4) for a, b in zip(heads, plain, strict=True))


@pytest.mark.parametrize("weighting", ["uncertainty", "gradnorm", "pcgrad"])
def test_every_weighting_learns_and_says_its_weights_and_cosine(weighting):
    training = trainer(weighting)
    for _ in range(3):
        values = training.update()
    assert {"loss/simclr", "loss/vicreg", "weight/simclr", "weight/vicreg", "cosine/simclr/vicreg"} <= set(values)
    assert -1 <= float(values["cosine/simclr/vicreg"]) <= 1
    assert all(torch.isfinite(value) for value in values.values())
    if weighting != "pcgrad":
        assert float(values["weight/simclr"]) != pytest.approx(float(values["weight/vicreg"]), abs=1e-6)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"method.second": "simclr"}, "its tasks must differ, got simclr twice"),
        ({"method.first": "mae"}, "first must be one of"),
        ({"method.third": "nothing"}, "third must be one of none"),
    ],
)
def test_tasks_that_cannot_be_are_refused(given, sentence):
    with pytest.raises(ValueError, match=sentence):
        trainer(**given)
