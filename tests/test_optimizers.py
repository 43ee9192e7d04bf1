"""Optimizers against their papers and an independent library, and how the learning rate goes."""

import math
import warnings

import pytest
import torch

from playground.config import RunConfig
from playground.optimizers import CATALOG as OPTIMIZERS
from playground.optimizers import LayerwiseSGD, parameter_groups, schedule


def test_warm_up_climbs_and_the_cosine_ends_near_zero():
    rates = [schedule(step, 100, 0.1) for step in range(100)]
    assert rates[:10] == pytest.approx([(i + 1) / 10 for i in range(10)])
    assert max(rates) == 1 and rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[55] == pytest.approx((1 + math.cos(math.pi / 2)) / 2)
    assert 0 < rates[-1] < 0.001
    assert schedule(0, 1, 0.0) == 1


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_vectors_do_not_decay_and_matrices_do(name):
    module = torch.nn.Linear(4, 4)
    config = RunConfig(optimizer=name, **{"optimizer.weight_decay": 0.5, "optimizer.learning_rate": 0.1})
    optimizer = config.optimizer.choice.build(parameter_groups(module, 0.5), config.optimizer)
    before = module.weight.detach().clone(), module.bias.detach().clone()
    (0 * module(torch.ones(1, 4)).sum()).backward()
    optimizer.step()
    assert torch.allclose(module.weight, before[0] * 0.95)
    assert torch.equal(module.bias, before[1])


def test_a_part_may_learn_faster_than_the_rest():
    module = torch.nn.ModuleDict({"slow": torch.nn.Linear(2, 2), "fast": torch.nn.Linear(2, 2)})
    groups = parameter_groups(module, 0.1, {"fast": 5.0})
    factor_of = {id(weight): group["factor"] for group in groups for weight in group["params"]}
    assert all(factor_of[id(weight)] == (5.0 if name.startswith("fast") else 1.0) for name, weight in module.named_parameters())


def trained(optimizer, weights, steps=5):
    generator = torch.Generator().manual_seed(1)
    for _ in range(steps):
        for weight in weights:
            weight.grad = torch.randn(weight.shape, generator=generator)
        optimizer.step()
    return [weight.detach().clone() for weight in weights]


def random_weights():
    generator = torch.Generator().manual_seed(0)
    return [torch.nn.Parameter(torch.randn(shape, generator=generator)) for shape in [(4, 3), (2, 5, 3, 3)]]


def test_lars_agrees_with_lightly():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        lars = pytest.importorskip("lightly.utils.lars", reason="lightly is not installed: pip install -e '.[test]'")
    ours, theirs = random_weights(), random_weights()
    groups = [{"params": ours, "weight_decay": 0.1, "adapts": True}]
    mine = trained(LayerwiseSGD(groups, 0.5, 0.9, 0.02), ours)
    other = trained(lars.LARS(theirs, lr=0.5, momentum=0.9, weight_decay=0.1, trust_coefficient=0.02), theirs)
    for a, b in zip(mine, other, strict=True):
        assert torch.allclose(a, b, atol=1e-6)


def test_lars_moves_a_layer_by_a_share_of_its_length_and_biases_plainly():
    matrix, bias = torch.nn.Parameter(torch.full((3, 3), 2.0)), torch.nn.Parameter(torch.zeros(3))
    optimizer = LayerwiseSGD([{"params": [matrix]}, {"params": [bias], "adapts": False}], 1.0, 0.0, 0.1)
    matrix.grad, bias.grad = torch.full((3, 3), 1e-3), torch.ones(3)
    optimizer.step()
    assert float((matrix - 2).detach().norm()) == pytest.approx(0.1 * 6, rel=1e-4)
    assert torch.equal(bias.detach(), -torch.ones(3))
