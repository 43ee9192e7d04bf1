"""Every loss against float64 loops written from the paper's equation, and against an independent library where it has one."""

import math
import warnings

import pytest
import torch
import torch.nn.functional as F

from playground.methods.byol import prediction_error
from playground.methods.mae import masked_error, normalized
from playground.methods.simclr import nt_xent, similarities
from playground.methods.vicreg import EPSILON, covariance, variance
from playground.networks import patchify, unpatchify

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    loss_module = pytest.importorskip("lightly.loss", reason="lightly is not installed: pip install -e '.[test]'")


@pytest.fixture
def pair():
    generator = torch.Generator().manual_seed(0)
    return torch.randn(10, 16, generator=generator).double(), torch.randn(10, 16, generator=generator).double()


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
    theirs = loss_module.NTXentLoss(temperature=temperature)(*pair)
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


def test_byol_error_agrees_with_lightly_and_with_the_squared_distance(pair):
    theirs = loss_module.NegativeCosineSimilarity()(*pair)
    assert float(prediction_error(*pair)) == pytest.approx(2 + 2 * float(theirs), abs=1e-5)
    distance = (F.normalize(pair[0], dim=1) - F.normalize(pair[1], dim=1)).square().sum(1).mean()
    assert float(prediction_error(*pair)) == pytest.approx(float(distance), abs=1e-9)


def test_vicreg_agrees_with_lightly(pair):
    theirs = loss_module.VICRegLoss(lambda_param=25, mu_param=25, nu_param=1)(*pair)
    z1, z2 = pair
    ours = 25 * F.mse_loss(z1, z2) + 25 * (variance(z1) + variance(z2)) / 2 + covariance(z1) + covariance(z2)
    assert float(ours) == pytest.approx(float(theirs), abs=1e-5)


def test_vicreg_terms_agree_with_loops(pair):
    z = pair[0]
    count, size = z.shape
    mean = z.mean(0)
    hinge, off = 0.0, 0.0
    for i in range(size):
        hinge += max(0.0, 1 - math.sqrt(float(((z[:, i] - mean[i]) ** 2).sum()) / (count - 1) + EPSILON)) / size
        for j in range(size):
            if i != j:
                off += (float(((z[:, i] - mean[i]) * (z[:, j] - mean[j])).sum()) / (count - 1)) ** 2 / size
    assert float(variance(z)) == pytest.approx(hinge, abs=1e-9)
    assert float(covariance(z)) == pytest.approx(off, abs=1e-9)


def test_vicreg_has_a_gradient_at_collapse():
    z = torch.ones(8, 4, requires_grad=True)
    variance(z).backward()
    assert torch.isfinite(z.grad).all()


def test_masked_error_counts_hidden_patches_only():
    target = torch.zeros(2, 4, 3)
    predicted = torch.tensor([0.0, 1.0, 2.0, 3.0])[None, :, None].expand(2, 4, 3)
    hidden = torch.tensor([[False, True, False, True], [False, False, True, True]])
    assert float(masked_error(predicted, target, hidden)) == pytest.approx((1 + 9 + 4 + 9) / 4)


def test_normalized_patches_have_mean_zero_variance_one_and_come_back():
    patches = torch.rand(3, 5, 48, generator=torch.Generator().manual_seed(0))
    each, mean, spread = normalized(patches)
    assert torch.allclose(each.mean(-1), torch.zeros(3, 5), atol=1e-5)
    assert torch.allclose(each.var(-1), torch.ones(3, 5), atol=1e-3)
    assert torch.allclose(each * spread + mean, patches, atol=1e-6)


@pytest.mark.parametrize("patch", [2, 4, 8])
def test_patches_come_back_as_the_image_and_in_reading_order(patch):
    images = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    patches = patchify(images, patch)
    assert torch.equal(unpatchify(patches, patch, 32), images)
    second = images[0, :, :patch, patch : 2 * patch].reshape(-1)
    assert torch.equal(patches[0, 1], second)
