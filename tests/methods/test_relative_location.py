"""Relative location: which patches are paired, and the loss against loops in float64."""

import math

import pytest
import torch

from playground.config import RunConfig
from playground.knobs import ConfigError
from playground.methods.jigsaw import mosaic, tiles
from playground.methods.relative_location import neighbors
from playground.networks import ResNet
from playground.randomness import seeded_generator
from playground.training.trainer import Batch


@pytest.fixture
def method():
    torch.manual_seed(0)
    config = RunConfig(method="relative-location", network="resnet-tiny")
    return config.method.choice(ResNet((8, 16), 1, 2), config).eval()


@pytest.fixture
def images():
    return torch.rand(3, 3, 32, 32, generator=torch.Generator().manual_seed(0))


def test_the_middle_is_no_neighbor_of_itself():
    assert neighbors(torch.arange(9)[None])[0].tolist() == [0, 1, 2, 3, 5, 6, 7, 8]


@pytest.mark.slow
def test_the_loss_is_cross_entropy_over_the_eight_places(method, images):
    ours = method.loss(Batch([images]), seeded_generator(0, "loss", 0))["loss"]
    total = 0.0
    for patches in tiles(images, 3, 2, seeded_generator(0, "loss", 0)):
        for answer, place in enumerate([0, 1, 2, 3, 5, 6, 7, 8]):
            pair = torch.cat([method.backbone(patches[4][None]), method.backbone(patches[place][None])], 1)
            logits = method.head(pair)[0].double().tolist()
            total -= math.log(math.exp(logits[answer]) / sum(map(math.exp, logits)))
    assert float(ours.detach()) == pytest.approx(total / 24, abs=1e-5)


def test_neighbors_are_shown_where_the_network_puts_them(method, images, monkeypatch):
    answers = torch.eye(8).expand(3, -1, -1)
    monkeypatch.setattr(method, "_locate", lambda pieces: answers)
    rows = method.pictures(images, seeded_generator(0, "probe", 0))
    assert torch.equal(rows["placed"], rows["patches"])
    monkeypatch.setattr(method, "_locate", lambda pieces: torch.eye(8)[[1, 1, *range(2, 8)]].expand(3, -1, -1))
    patches = tiles(images, 3, 2, seeded_generator(0, "probe", 0))
    patches[:, 1], patches[:, 0] = patches[:, :2].mean(1), 0.5
    assert torch.allclose(method.pictures(images, seeded_generator(0, "probe", 0))["placed"], mosaic(patches, 32))


def test_patches_that_do_not_suit_the_transformer_are_refused():
    with pytest.raises(ConfigError, match="multiple of patch_size 4, got 0, which leaves 10"):
        RunConfig(**{"method": "relative-location", "network": "vit-tiny", "method.gap": 0})
