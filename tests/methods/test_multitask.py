"""Multi-task: the gradients that reach the encoder, against loops and autograd."""

import math

import pytest
import torch

from playground.methods.multitask import LIMIT, MultiTask
from playground.randomness import seeded_generator
from support.trainings import tiny_config, trainer_of


def trainer(weighting="fixed", **more):
    given = {"method": "multitask", "method.weighting": weighting, "method.first": "simclr", "method.second": "vicreg"}
    return trainer_of(tiny_config(**given | {"batch_size": 32} | more))


def gradient(method):
    return torch.cat([weight.grad.flatten() for weight in method.backbone.parameters()])


@pytest.mark.slow
def test_fixed_weights_give_the_gradient_of_the_weighted_sum():
    made = trainer(**{"method.first_weight": 0.5, "method.second_weight": 2}).method
    batch = trainer().batch(1)
    values = made.loss(batch, seeded_generator(0, "loss", 1))
    assert torch.allclose(values["loss"], 0.5 * values["loss/simclr"] + 2 * values["loss/vicreg"], rtol=1e-6)
    made.backward(values)
    ours, heads = gradient(made), [w.grad.clone() for w in made.tasks.parameters() if w.grad is not None]
    made.zero_grad()
    made.loss(batch, seeded_generator(0, "loss", 1))["loss"].backward()
    assert torch.allclose(ours, gradient(made), atol=1e-5, rtol=1e-4)
    plain = [w.grad for w in made.tasks.parameters() if w.grad is not None]
    assert all(torch.allclose(a, b, atol=1e-5, rtol=1e-4) for a, b in zip(heads, plain, strict=True))


@pytest.mark.slow
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


@pytest.mark.slow
def test_uncertainty_weighs_a_loss_by_what_it_exceeds_its_least_value():
    """Kendall et al., 2018, equation 7: over s the term (e^-s L + s) / 2 is least at s = ln L, where it is (1 + ln L) / 2."""
    method = trainer("uncertainty", **{"method.first": "simsiam", "method.second": "rotation"}).method
    assert method.least.tolist() == [-1, 0]
    losses, above = torch.tensor([-0.6, 2.0]), torch.tensor([0.4, 2.0])
    optimizer = torch.optim.SGD([method.log_variances], lr=0.5)
    for _ in range(200):
        optimizer.zero_grad()
        method._weighted(losses).sum().backward()
        optimizer.step()
    assert torch.allclose(method.log_variances, above.log(), atol=1e-4)
    assert torch.allclose(method._weighted(losses), (1 + above.log()) / 2, atol=1e-4)
    assert torch.allclose(method._slopes(), 1 / (2 * above), atol=1e-4)


@pytest.mark.slow
def test_the_sum_stays_between_what_its_tasks_weights_allow():
    """SimSiam's loss lies between -1 and 1, BYOL's between 0 and 4."""
    given = {"method.first": "simsiam", "method.second": "byol", "method.first_weight": 2, "method.second_weight": 3}
    bounds = {each: MultiTask.loss_bounds(trainer(each, **given).config) for each in ("fixed", "pcgrad", "gradnorm", "uncertainty")}
    assert bounds["fixed"] == bounds["pcgrad"] == (-2, 14)
    assert bounds["gradnorm"] == (2 * -2, 2 * 12)  # all weight on one of them
    top = math.exp(LIMIT) * (2 * 2 + 3 * 4) / 2 + LIMIT
    assert bounds["uncertainty"] == (-LIMIT, pytest.approx(top))
    no_end = trainer(**{"method.second": "rotation", "method.second_weight": 0}).config
    assert math.isfinite(MultiTask.loss_bounds(no_end)[1])  # what has no weight adds nothing


@pytest.mark.slow
def test_gradnorm_counts_progress_from_the_least_value_of_each_loss():
    """Gradients of one length, and both tasks half way to the least they can reach: neither lags, so the weights stay."""
    method = trainer("gradnorm", **{"method.first": "simsiam", "method.second": "rotation"}).method
    equal = torch.eye(2)
    method._rebalance(torch.tensor([-0.01, 1.4]), equal)
    method._rebalance(torch.tensor([-0.505, 0.7]), equal)
    assert method.balance.tolist() == pytest.approx([1, 1], abs=1e-5)
    method._rebalance(torch.tensor([-0.95, 0.7]), equal)  # the first is nearly done: the other one is pulled
    assert method.balance[0] < 1 < method.balance[1]


@pytest.mark.slow
def test_pcgrad_takes_its_order_from_the_run():
    """One step of two trainings with one seed is the same; and the order really is drawn."""
    more = {"method.third": "rotation", "batch_size": 16}
    one, two = trainer("pcgrad", **more), trainer("pcgrad", **more)
    orders = []
    for _ in range(3):
        ours, theirs = one.update(), two.update()
        assert all(torch.equal(ours[name], theirs[name]) for name in ours)
        orders.append(one.method.others.tolist())
    assert torch.equal(gradient(one.method), gradient(two.method))
    assert any(each != orders[0] for each in orders)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"method.second": "simclr"}, "the tasks must differ, got simclr twice"),
        ({"method.first": "mae"}, "first must be one of"),
        ({"method.third": "nothing"}, "third must be one of none"),
    ],
)
def test_tasks_that_cannot_be_are_refused(given, sentence):
    with pytest.raises(ValueError, match=sentence):
        trainer(**given)
