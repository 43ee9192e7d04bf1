"""Barlow Twins: against loops and lightly, and closed forms."""

import math
import warnings

import pytest
import torch

from playground.methods.barlow_twins import EPSILON, standardized, terms

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    loss_module = pytest.importorskip("lightly.loss", reason="lightly is not installed: pip install -e '.[test]'")


@pytest.fixture
def pair():
    generator = torch.Generator().manual_seed(0)
    shared = torch.randn(12, 6, generator=generator).double()
    return tuple(shared + 0.5 * torch.randn(12, 6, generator=generator).double() for _ in range(2))


def test_both_terms_are_the_published_ones(pair):
    """Zbontar et al., 2021, equations 1 and 2, entry by entry."""
    diagonal, off = 0.0, 0.0
    columns = [[z - z.mean(0) for z in pair][view].T for view in (0, 1)]
    for i, first in enumerate(columns[0]):
        for j, second in enumerate(columns[1]):
            lengths = math.sqrt(float((first**2).sum()) + 12 * EPSILON) * math.sqrt(float((second**2).sum()) + 12 * EPSILON)
            correlation = float((first * second).sum()) / lengths
            diagonal += (1 - correlation) ** 2 * (i == j)
            off += correlation**2 * (i != j)
    ours = terms(*map(standardized, pair))
    assert [float(each) for each in ours] == pytest.approx([diagonal, off], abs=1e-9)


@pytest.mark.parametrize("weight", [0.005, 0.1, 1.0])
def test_the_sum_agrees_with_lightly(pair, weight):
    invariance, redundancy = terms(*map(standardized, pair))
    theirs = loss_module.BarlowTwinsLoss(lambda_param=weight)(*pair)
    assert float(invariance + weight * redundancy) == pytest.approx(float(theirs), abs=1e-5)


def test_equal_and_decorrelated_views_cost_nothing_and_repeated_dimensions_do():
    signs = torch.tensor([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
    assert [float(each) for each in terms(signs, signs)] == [0, 0]
    twice = signs[:, [0, 0]]
    assert [float(each) for each in terms(twice, twice)] == [0, 2]


def test_a_point_correlates_with_nothing_and_has_a_gradient():
    point = torch.ones(8, 4, requires_grad=True)
    invariance, redundancy = terms(standardized(point), standardized(point))
    (invariance + redundancy).backward()
    assert (invariance.item(), redundancy.item()) == (4, 0)
    assert torch.isfinite(point.grad).all()
