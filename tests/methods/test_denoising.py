"""Denoising: what noise does, by its statistics, and that the target is the clean image."""

import pytest
import torch
import torch.nn.functional as F

from playground.config import RunConfig
from playground.methods.denoising import corrupted
from playground.networks import ResNet
from playground.randomness import seeded_generator
from playground.training.trainer import Batch

NOISES = ["gaussian", "masking", "salt and pepper"]


@pytest.fixture
def images():
    return 0.2 + 0.6 * torch.rand(64, 3, 16, 16, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("noise", NOISES)
def test_at_level_zero_nothing_changes(images, noise):
    assert torch.equal(corrupted(images, noise, 0.0, seeded_generator(0, "loss", 0)), images)


def test_gaussian_noise_has_its_level_as_standard_deviation_and_no_bias(images):
    added = corrupted(images, "gaussian", 0.3, seeded_generator(0, "loss", 0)) - images
    assert float(added.std()) == pytest.approx(0.3, rel=0.02)
    assert float(added.mean()) == pytest.approx(0, abs=0.005)


@pytest.mark.parametrize("noise", NOISES[1:])
def test_pixels_are_spoiled_in_all_channels_at_once_and_as_often_as_asked(images, noise):
    spoiled = corrupted(images, noise, 0.3, seeded_generator(0, "loss", 0))
    black, white = (spoiled == 0).all(1), (spoiled == 1).all(1)
    assert torch.equal((spoiled != images).any(1), black | white)
    assert float((black | white).float().mean()) == pytest.approx(0.3, abs=0.01)
    assert float(white.float().mean()) == pytest.approx(0 if noise == "masking" else 0.15, abs=0.01)


def test_the_loss_compares_with_the_clean_image():
    torch.manual_seed(0)
    config = RunConfig(method="denoising", network="resnet-tiny")
    method = config.method.choice(ResNet((8, 16), 1, 4), config).eval()
    images = torch.rand(4, 3, 32, 32)
    noisy = corrupted(images, "gaussian", 0.4, seeded_generator(0, "loss", 0))
    value = method.loss(Batch([images]), seeded_generator(0, "loss", 0))["loss"].detach()
    assert float(value) == pytest.approx(float(F.mse_loss(method._reconstruct(noisy), images).detach()), abs=1e-6)
    assert not torch.equal(method._reconstruct(noisy), method._reconstruct(images))
