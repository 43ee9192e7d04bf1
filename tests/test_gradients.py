"""Gradient surgery and balancing, each against what its paper says."""

import pytest
import torch

from playground.gradients import balanced, without_conflict


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
