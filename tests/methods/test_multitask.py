"""Multi-task: the gradients that reach the encoder, against loops and autograd."""

import pytest
import torch

from playground.config import RunConfig
from playground.devices import pick
from playground.methods.multitask import balanced, without_conflict
from playground.randomness import stream
from playground.trainer import Trainer
from playground.training import load_images


def trainer(weighting="fixed", **more):
    given = {"method": "multitask", "method.weighting": weighting, "method.first": "simclr", "method.second": "vicreg"}
    config = RunConfig(**given | {"network": "resnet-tiny", "batch_size": 32, "device": "cpu"} | more)
    return Trainer(config, load_images("shapes", None)[0], pick("cpu", "resnet"))


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


def test_without_conflict_is_algorithm_1():
    gradients = torch.randn(3, 7, generator=torch.Generator().manual_seed(0)).double()
    expected = []
    for i in range(3):
        own = gradients[i].clone()
        for j in range(3):
            product = float(own @ gradients[j])
            if i != j and product < 0:
                own = own - product / float(gradients[j] @ gradients[j]) * gradients[j]
        expected.append(own)
    assert torch.allclose(without_conflict(gradients), torch.stack(expected), atol=1e-12)
    opposed = without_conflict(torch.tensor([[1.0, 0.2], [-1.0, 0.2]]))
    assert (opposed @ torch.tensor([[1.0, -1.0], [0.2, 0.2]])).min() > -1e-6  # neither points against the other any more


def test_gradnorm_pulls_the_task_that_lags_and_keeps_the_sum():
    moved = balanced(torch.ones(2), torch.tensor([1.0, 1.0]), torch.tensor([1.0, 0.2]), asymmetry=1.5, rate=0.1)
    assert moved[0] > 1 > moved[1]
    assert float(moved.sum()) == pytest.approx(2, abs=1e-6)


def test_gradnorm_follows_the_gradient_of_its_published_loss():
    factors, lengths = torch.tensor([0.8, 1.2], requires_grad=True), torch.tensor([3.0, 1.0])
    ratios = torch.tensor([0.9, 0.5])
    target = ((factors * lengths).mean() * (ratios / ratios.mean()) ** 1.5).detach()
    (factors * lengths - target).abs().sum().backward()
    norms = (factors * lengths).detach()
    expected = factors.detach() - 0.1 * factors.grad / norms.mean()
    moved = balanced(factors.detach(), norms, ratios, asymmetry=1.5, rate=0.1)
    assert torch.allclose(moved, expected * 2 / expected.sum(), atol=1e-6)


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
