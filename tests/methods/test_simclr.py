"""SimCLR: NT-Xent against the paper's equation in loops and against an independent library."""

import math
import warnings

import pytest
import torch
import torch.nn.functional as F

from playground.methods.simclr import nt_xent, similarities

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    lightly_losses = pytest.importorskip("lightly.loss", reason="lightly is not installed: pip install -e '.[test]'")


def nt_xent_in_loops(z1, z2, temperature):
    """Chen et al., 2020, equation 1, term by term."""
    z = [row / row.norm() for row in torch.cat([z1, z2])]
    count, total = len(z1), 0.0
    for i in range(2 * count):
        positive = (i + count) % (2 * count)
        others = sum(math.exp(float(z[i] @ z[k]) / temperature) for k in range(2 * count) if k != i)
        total += -math.log(math.exp(float(z[i] @ z[positive]) / temperature) / others)
    return total / (2 * count)


@pytest.mark.parametrize("temperature", [0.05, 0.2, 1.0])
def test_nt_xent_is_the_published_one(pair, temperature):
    assert float(nt_xent(*pair, temperature)) == pytest.approx(nt_xent_in_loops(*pair, temperature), rel=1e-9)


@pytest.mark.parametrize("temperature", [0.05, 0.2, 1.0])
def test_nt_xent_agrees_with_lightly(pair, temperature):
    theirs = lightly_losses.NTXentLoss(temperature=temperature)(*pair)
    assert float(nt_xent(*pair, temperature)) == pytest.approx(float(theirs), abs=1e-5)


def test_the_positive_is_the_other_view_and_never_the_image_itself(pair):
    """Labels arange(B) twice over the full similarity matrix make the image its own positive: a known wrong recipe."""
    logits, positive = similarities(*pair, 0.2)
    assert positive.tolist() == [*range(10, 20), *range(10)]
    assert torch.isinf(logits.diagonal()).all()
    z = F.normalize(torch.cat(pair), dim=1)
    wrong = F.cross_entropy(z @ z.T / 0.2, torch.arange(10).repeat(2))
    assert abs(float(wrong) - float(nt_xent(*pair, 0.2))) > 0.1


def test_nt_xent_of_equal_outputs_is_ln_of_the_others():
    ones = torch.ones(64, 8)
    assert float(nt_xent(ones, ones, 0.2)) == pytest.approx(math.log(127), abs=1e-5)


def test_nt_xent_stays_finite_at_the_lowest_temperature():
    z = torch.randn(32, 8, generator=torch.Generator().manual_seed(1)).bfloat16()
    assert torch.isfinite(nt_xent(z, z, 0.01))
