"""Colorization: luma against torchvision, the loss against loops in float64."""

import pytest
import torch
from torchvision.transforms.functional import rgb_to_grayscale

from playground.config import RunConfig
from playground.methods.colorization import gray, join, split
from playground.networks import ResNet
from playground.randomness import seeded_generator
from playground.training.trainer import Batch


@pytest.fixture
def images():
    return torch.rand(3, 3, 8, 8, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def method():
    torch.manual_seed(0)
    config = RunConfig(method="colorization", network="resnet-tiny")
    return config.method.choice(ResNet((8, 16), 1, 2), config).eval()


def test_luma_is_that_of_torchvision_and_colors_come_back(images):
    assert torch.allclose(split(images)[0], rgb_to_grayscale(images), atol=1e-6)
    assert torch.allclose(join(*split(images)), images, atol=1e-6)


def test_the_loss_is_the_squared_error_of_two_color_differences(method, images):
    ours = method.loss(Batch([images]), seeded_generator(0, "loss", 0))["loss"]
    painted = method.decoder(method.backbone.feature_map(gray(images))).double()
    total = 0.0
    for image in range(3):
        for row in range(8):
            for column in range(8):
                red, green, blue = images[image, :, row, column].tolist()
                luma = 0.2989 * red + 0.587 * green + 0.114 * blue
                first, second = painted[image, :, row, column].tolist()
                total += (first - (red - luma)) ** 2 + (second - (blue - luma)) ** 2
    assert float(ours.detach()) == pytest.approx(total / (3 * 64 * 2), abs=1e-5)


def test_it_never_sees_color(method, images):
    luma, chroma = split(images)
    other = join(luma, -chroma)
    assert not torch.allclose(other, images, atol=0.1)
    assert torch.allclose(method.embed(other), method.embed(images), atol=1e-5)
    assert torch.allclose(method._colorize(other), method._colorize(images), atol=1e-5)


def test_the_trivial_solution_is_the_best_single_color(method, images):
    value = float(method.trivial(images, seeded_generator(0, "probe", 0))["colorization_error"])
    chroma = split(images)[1].double().transpose(0, 1).flatten(1)
    assert value == pytest.approx(float(chroma.var(1, correction=0).mean()), abs=1e-6)
