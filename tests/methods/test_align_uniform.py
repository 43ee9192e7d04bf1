"""Alignment and uniformity as an objective: against loops, closed forms, and the diagnostic of the same name."""

import math

import pytest
import torch

from playground.config import RunConfig
from playground.diagnostics.geometry import uniformity
from playground.methods.align_uniform import AlignUniform, potential


@pytest.mark.parametrize("sharpness", [0.5, 2.0, 10.0])
def test_the_potential_is_the_published_one(sharpness):
    """Wang and Isola, 2020, section 4.1, pair by pair."""
    z = torch.randn(9, 4, generator=torch.Generator().manual_seed(0)).double()
    unit = [row / row.norm() for row in z]
    pairs = [math.exp(-sharpness * float((unit[i] - unit[j]).square().sum())) for i in range(9) for j in range(i)]
    assert float(potential(z, sharpness)) == pytest.approx(math.log(sum(pairs) / len(pairs)), abs=1e-5)


def test_it_is_what_the_chart_calls_uniformity():
    z = torch.randn(50, 8, generator=torch.Generator().manual_seed(1))
    assert float(potential(z, 2.0)) == pytest.approx(float(uniformity(z)), abs=1e-5)


def test_a_point_a_pair_of_poles_and_the_whole_sphere():
    """0; -4t; and for t = 2 in 3 dimensions ln((1 - e^-8) / 8), the mean of exp(-2 d^2) where d^2 / 4 is uniform in [0, 1]."""
    assert float(potential(torch.ones(8, 3), 2.0)) == pytest.approx(0, abs=1e-5)
    assert float(potential(torch.tensor([[1.0, 0.0], [-1.0, 0.0]]), 2.0)) == pytest.approx(-8, abs=1e-5)
    sphere = torch.randn(3000, 3, generator=torch.Generator().manual_seed(0))
    assert float(potential(sphere, 2.0)) == pytest.approx(math.log((1 - math.exp(-8)) / 8), abs=0.01)


def test_the_corners_of_a_simplex_reach_the_lower_bound_of_the_loss():
    config = RunConfig(method="align-uniform", batch_size=16, **{"method.uniformity_weight": 3})
    corners = torch.eye(16) - 1 / 16
    assert 3 * float(potential(corners, 2.0)) == pytest.approx(AlignUniform.loss_bounds(config)[0], abs=1e-5)
    assert AlignUniform.loss_bounds(config) == (pytest.approx(-3 * 2 * 2 * 16 / 15), 4)


def test_a_point_has_a_finite_gradient():
    z = torch.ones(8, 3, requires_grad=True)
    potential(z, 2.0).backward()
    assert torch.isfinite(z.grad).all()
