"""VICReg: its terms against loops and their sum against an independent library."""

import math
import warnings

import pytest
import torch
import torch.nn.functional as F

from playground.config import RunConfig
from playground.methods import Batch
from playground.methods.vicreg import EPSILON, VICReg, covariance, variance

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    lightly_losses = pytest.importorskip("lightly.loss", reason="lightly is not installed: pip install -e '.[test]'")


def test_vicreg_agrees_with_lightly(pair):
    theirs = lightly_losses.VICRegLoss(lambda_param=25, mu_param=25, nu_param=1)(*pair)
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


def test_the_loss_is_the_equation_that_the_page_shows(pair):
    """lambda / (N D) times the sum of squared distances, which is the paper's equation 5 divided by D."""
    config = RunConfig(method="vicreg", network="resnet-tiny", **{"method.variance": False, "method.covariance": False})
    z1, z2 = pair
    backbone = torch.nn.Flatten()
    backbone.width = z1.shape[1]
    method = VICReg(backbone, config)
    method.projector = torch.nn.Identity()
    paper = sum(float((a - b).square().sum()) for a, b in zip(z1, z2, strict=True)) / len(z1)
    found = method.loss(Batch([z1, z2]), torch.Generator())["loss"]
    assert float(found) == pytest.approx(25 * paper / z1.shape[1], rel=1e-5)


def test_vicreg_has_a_gradient_at_collapse():
    z = torch.ones(8, 4, requires_grad=True)
    variance(z).backward()
    assert torch.isfinite(z.grad).all()
