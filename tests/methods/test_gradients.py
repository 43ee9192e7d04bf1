"""Gradient surgery and balancing, each against what its paper says."""

import pytest
import torch

from playground.methods.shared.gradients import balanced, shuffled_others, without_conflict


@pytest.mark.parametrize("others", [[[1, 2], [0, 2], [0, 1]], [[2, 1], [2, 0], [0, 1]]])
def test_without_conflict_is_algorithm_1(others):
    gradients = torch.randn(3, 7, generator=torch.Generator().manual_seed(0)).double()
    expected = []
    for i in range(3):
        own = gradients[i].clone()
        for j in others[i]:
            product = float(own @ gradients[j])
            if product < 0:
                own = own - product / float(gradients[j] @ gradients[j]) * gradients[j]
        expected.append(own)
    assert torch.allclose(without_conflict(gradients, torch.tensor(others)), torch.stack(expected), atol=1e-12)


def test_two_opposed_gradients_no_longer_point_against_each_other():
    opposed = without_conflict(torch.tensor([[1.0, 0.2], [-1.0, 0.2]]), torch.tensor([[1], [0]]))
    assert (opposed @ torch.tensor([[1.0, -1.0], [0.2, 0.2]])).min() > -1e-6  # neither points against the other any more


@pytest.mark.slow
def test_every_order_of_the_others_is_drawn_equally_often_and_follows_from_the_seed():
    def drawn(seed):
        generator = torch.Generator().manual_seed(seed)
        return torch.stack([shuffled_others(3, generator) for _ in range(600)])

    orders = drawn(0)
    assert torch.equal(orders, drawn(0)) and not torch.equal(orders, drawn(1))
    for task in range(3):
        assert orders[:, task].sort(1).values.unique(dim=0).tolist() == [[j for j in range(3) if j != task]]
        assert float((orders[:, task, 0] < orders[:, task, 1]).float().mean()) == pytest.approx(0.5, abs=0.08)
    assert len(orders.flatten(1).unique(dim=0)) == 8  # and no task's order tells that of another


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
