"""N-pair: against loops."""

import math

import pytest
import torch

from playground.methods.npair import n_pair, products


def test_n_pair_is_the_published_one():
    """Sohn, 2016, equation 7, term by term, once for each direction."""
    generator = torch.Generator().manual_seed(0)
    z1, z2 = (torch.randn(9, 8, generator=generator).double() for _ in range(2))
    total = 0.0
    for anchors, positives in ((z1, z2), (z2, z1)):
        for i in range(9):
            others = sum(math.exp(float(anchors[i] @ positives[j] - anchors[i] @ positives[i])) for j in range(9) if j != i)
            total += math.log(1 + others)
    assert float(n_pair(z1, z2)) == pytest.approx(total / 18, abs=1e-9)


def test_n_pair_of_equal_outputs_is_ln_n_whatever_their_length():
    for length in (0.1, 1.0, 10.0):
        assert float(n_pair(torch.full((64, 8), length), torch.full((64, 8), length))) == pytest.approx(math.log(64), abs=1e-5)


def test_views_of_the_same_side_are_never_compared():
    """Row i's candidates are the other views: what the views of its own side look like changes nothing."""
    z1, z2 = torch.randn(2, 5, 3, generator=torch.Generator().manual_seed(0))
    moved = z1.clone()
    moved[1:] += 1
    assert torch.equal(products(z1, z2)[0][0], products(moved, z2)[0][0])
