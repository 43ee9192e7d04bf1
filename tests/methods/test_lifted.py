"""Lifted structure: against loops."""

import math

import pytest
import torch

from playground.methods.lifted import EPSILON, euclidean, lifted_hinges


@pytest.mark.parametrize("margin", [0.0, 1.0, 5.0])
def test_lifted_is_the_published_one(margin):
    """Oh Song et al., 2016, equation 4, term by term. Distant pairs, so that some hinges are 0."""
    count = 7
    images = 3 * torch.randn(count, 5, generator=torch.Generator().manual_seed(0)).double().repeat(2, 1)
    z = images + torch.randn(2 * count, 5, generator=torch.Generator().manual_seed(1)).double()
    expected = []
    for i in range(count):
        j = i + count
        ends = [math.exp(margin - float((z[end] - z[k]).norm())) for end in (i, j) for k in range(2 * count) if k not in (i, j)]
        expected.append(max(0.0, math.log(sum(ends)) + float((z[i] - z[j]).norm())))
    assert margin != 1 or min(expected) == 0 < max(expected)
    assert lifted_hinges(euclidean(z), margin).tolist() == pytest.approx(expected, abs=1e-5)


def test_distances_are_euclidean_with_a_gradient_at_a_point():
    z = torch.randn(6, 4, generator=torch.Generator().manual_seed(0)).double()
    assert torch.allclose(euclidean(z), torch.cdist(z, z), atol=1e-2)
    assert float((euclidean(z) - torch.cdist(z, z))[~torch.eye(6, dtype=torch.bool)].abs().max()) < 1e-6
    point = torch.ones(6, 4, requires_grad=True)
    lifted_hinges(euclidean(point), 1.0).square().mean().backward()
    assert torch.isfinite(point.grad).all()
    assert euclidean(point.detach()).amin().item() == pytest.approx(EPSILON**0.5, rel=1e-3)  # never 0, where a root has no slope


def test_a_point_costs_the_margin_and_the_number_of_negatives():
    hinges = lifted_hinges(euclidean(torch.ones(16, 4)), 1.0)
    assert hinges.tolist() == pytest.approx([1 + math.log(2 * 14)] * 8, abs=1e-4)
