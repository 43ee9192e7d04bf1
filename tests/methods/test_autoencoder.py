"""Autoencoder: the error against loops in float64, and that nothing gets around the bottleneck."""

import pytest
import torch

from playground.config import RunConfig
from playground.networks import ResNet
from playground.randomness import seeded_generator
from playground.training.trainer import Batch


def build(**more):
    torch.manual_seed(0)
    config = RunConfig(method="autoencoder", network="resnet-tiny", **more)
    return config.method.choice(ResNet((8, 16), 1, 4), config)


@pytest.fixture
def images():
    return torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(0))


def test_the_loss_is_the_squared_error_of_every_pixel(images):
    method = build().eval()
    ours = float(method.loss(Batch([images]), seeded_generator(0, "loss", 0))["loss"].detach())
    code = method.project(method.embed(images))
    wrong = (method.decoder(method.spread(code)).double() - images).flatten().tolist()
    assert ours == pytest.approx(sum(each**2 for each in wrong) / (4 * 3 * 32 * 32), abs=1e-5)


def test_the_trivial_solution_is_the_mean_image(images):
    mean = [sum(images[row].double() for row in range(4)) / 4] * 4
    expected = sum(float((images[row] - mean[row]).square().mean()) for row in range(4)) / 4
    assert float(build().trivial(images, seeded_generator(0, "probe", 0))["reconstruction"]) == pytest.approx(expected, abs=1e-6)


@torch.no_grad()
def test_images_with_one_code_get_one_picture(images):
    """What the decoder paints depends on as many numbers as the bottleneck has."""
    method = build(**{"method.bottleneck": 3}).eval()
    code = method.project(method.embed(images))
    assert code.shape == (4, 3)
    method.squeeze = torch.nn.Sequential(torch.nn.Linear(16, 3, bias=False), torch.nn.Threshold(1e9, 0.5))
    assert torch.equal(method._reconstruct(images)[0], method._reconstruct(images)[1])


def test_the_code_uses_its_dimensions_alike(images):
    code = build(**{"method.bottleneck": 8}).project(torch.rand(64, 16, generator=torch.Generator().manual_seed(1)) * 5 + 3)
    assert torch.allclose(code.mean(0), torch.zeros(8), atol=1e-5)
    assert torch.allclose(code.std(0, correction=0), torch.ones(8), atol=1e-3)
