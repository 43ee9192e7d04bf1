"""RotNet: turns against numpy, the loss against loops in float64."""

import math

import numpy as np
import pytest
import torch

from playground.config import RunConfig
from playground.methods.rotation import turn, turned
from playground.networks import ResNet
from playground.randomness import seeded_generator
from playground.training.trainer import Batch


@pytest.fixture
def images():
    return torch.rand(3, 3, 8, 8, generator=torch.Generator().manual_seed(0))


def test_turns_are_those_of_numpy(images):
    copies, turns = turned(images)
    for row, quarter in enumerate(turns.tolist()):
        assert np.array_equal(copies[row].numpy(), np.rot90(images[row % 3].numpy(), quarter, (1, 2)))
    assert turns.tolist() == [0] * 3 + [1] * 3 + [2] * 3 + [3] * 3


def test_every_image_is_turned_by_its_own_number_and_back(images):
    turns = torch.tensor([1, 3, 2])
    shown = turn(images, turns)
    assert torch.equal(shown[1], torch.rot90(images[1], 3, (1, 2)))
    assert torch.equal(turn(shown, -turns), images)


def test_the_loss_is_cross_entropy_over_all_four_turns(images):
    torch.manual_seed(0)
    config = RunConfig(method="rotation", network="resnet-tiny")
    method = config.method.choice(ResNet((8, 16), 1, 2), config).eval()
    ours = method.loss(Batch([images]), seeded_generator(0, "loss", 0))["loss"]
    total = 0.0
    for image in images:
        for quarter in range(4):
            turned_one = torch.from_numpy(np.rot90(image.numpy(), quarter, (1, 2)).copy())[None]
            logits = method.head(method.backbone(turned_one))[0].double().tolist()
            total -= math.log(math.exp(logits[quarter]) / sum(map(math.exp, logits)))
    assert float(ours.detach()) == pytest.approx(total / 12, abs=1e-5)
