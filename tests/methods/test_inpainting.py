"""Context encoder: where holes lie, what is hidden, and the loss against loops in float64."""

import pytest
import torch

from playground.config import RunConfig
from playground.methods.inpainting import hole_error, holes
from playground.networks import ResNet
from playground.randomness import seeded_generator


@pytest.fixture
def images():
    return torch.rand(4, 3, 16, 16, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_holes_are_squares_of_the_size_asked_for_anywhere_inside(share):
    found = holes(torch.zeros(400, 3, 16, 16), share, seeded_generator(0, "loss", 0))
    side = round(share * 16)
    assert (found.sum((1, 2, 3)) == side**2).all()
    for axis in (2, 3):
        line = found.any(5 - axis)[:, 0]
        assert (line.sum(1) == side).all()
        first = line.int().argmax(1)
        assert set(first.tolist()) == set(range(16 - side + 1))
        assert all(line[row, first[row] : first[row] + side].all() for row in range(400))


def test_the_error_counts_the_hole_only(images):
    painted, hole = torch.zeros_like(images), holes(images, 0.5, seeded_generator(0, "loss", 0))
    found = [float(images[i, c, y, x]) ** 2 for i in range(4) for c in range(3) for y in range(16) for x in range(16) if hole[i, 0, y, x]]
    assert len(found) == 4 * 3 * 64
    assert float(hole_error(painted, images, hole)) == pytest.approx(sum(found) / len(found), abs=1e-6)


def test_what_is_in_the_hole_is_hidden_from_the_network(images):
    torch.manual_seed(0)
    config = RunConfig(method="inpainting", network="resnet-tiny")
    method = config.method.choice(ResNet((8, 16), 1, 2), config).eval()
    hole = holes(images, 0.5, seeded_generator(0, "loss", 0))
    assert torch.equal(method._predict(images, hole), method._predict(torch.where(hole, 1 - images, images), hole))
    assert not torch.equal(method._predict(images, hole), method._predict(torch.where(hole, images, 1 - images), hole))
    rows = method.pictures(images, seeded_generator(0, "loss", 0))
    assert torch.equal(torch.where(hole, 0.5, rows["pasted"]), rows["masked"])
    assert torch.equal(torch.where(hole, rows["reconstruction"], images), rows["pasted"])
