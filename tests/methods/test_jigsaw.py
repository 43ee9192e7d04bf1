"""Jigsaw: permutations by brute force, tiles by their coordinates, the loss against loops in float64."""

import itertools
import math

import pytest
import torch

from playground.config import RunConfig
from playground.knobs import ConfigError
from playground.methods.jigsaw import distant_permutations, mosaic, tiles
from playground.networks import ResNet
from playground.randomness import seeded_generator
from playground.training.trainer import Batch


def places(count, size):
    """Images whose first two channels say where each pixel is."""
    line = torch.arange(float(size))
    return torch.stack([line[:, None].expand(size, size), line.expand(size, size), torch.zeros(size, size)]).repeat(count, 1, 1, 1)


def build(**more):
    torch.manual_seed(0)
    config = RunConfig(method="jigsaw", network="resnet-tiny", **more)
    return config.method.choice(ResNet((8, 16), 1, 2), config)


def test_permutations_are_the_greedy_ones_of_algorithm_1():
    every = list(itertools.permutations(range(4)))
    chosen = [every[0]]
    while len(chosen) < 12:
        rest = [each for each in every if each not in chosen]
        chosen.append(max(rest, key=lambda each: sum(a != b for other in chosen for a, b in zip(each, other, strict=True))))
    assert distant_permutations(4, 12).tolist() == [list(each) for each in chosen]


@pytest.mark.slow
def test_permutations_of_nine_are_different_and_further_apart_than_chance():
    found = distant_permutations(9, 64)
    assert len(set(map(tuple, found.tolist()))) == 64
    assert all(sorted(each) == list(range(9)) for each in found.tolist())
    apart = (found[:, None] != found).sum(2).double()
    assert float(apart.sum() / (64 * 63)) > 8.05  # 8 by chance
    assert (found[:9].T.sort(1).values == torch.arange(9)).all()  # the first nine agree nowhere


@pytest.mark.parametrize(("grid", "gap"), [(3, 2), (2, 4), (3, 0)])
def test_each_tile_lies_in_its_own_cell_and_in_reading_order(grid, gap):
    found = tiles(places(50, 32), grid, gap, seeded_generator(0, "loss", 0))
    cell, edge = 32 // grid, 32 % grid // 2
    assert found.shape == (50, grid**2, 3, cell - gap, cell - gap)
    for place in range(grid**2):
        for axis, corner in enumerate(divmod(place, grid)):
            first, last = found[:, place, axis].amin((1, 2)), found[:, place, axis].amax((1, 2))
            assert (last - first == cell - gap - 1).all()
            moves = first - (edge + cell * corner)
            assert set(moves.tolist()) == set(range(gap + 1))


def test_tiles_without_a_gap_make_the_image_again():
    images = torch.rand(2, 3, 30, 30, generator=torch.Generator().manual_seed(0))
    assert torch.equal(mosaic(tiles(images, 3, 0, seeded_generator(0, "loss", 0)), 30), images)


@pytest.mark.slow
def test_the_loss_is_cross_entropy_for_the_order_in_which_tiles_are_shown():
    method = build(**{"method.permutations": 5}).eval()
    images = torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    shuffled, which = method._shuffle(images, seeded_generator(0, "loss", 0))
    ours = method.loss(Batch([images]), seeded_generator(0, "loss", 0))["loss"]
    total = 0.0
    for row in range(4):
        features = torch.cat([method.enter(method.backbone(piece[None]))[0] for piece in shuffled[row]])
        logits = method.head(features[None])[0].double().tolist()
        total -= math.log(math.exp(logits[which[row]]) / sum(map(math.exp, logits)))
    assert float(ours.detach()) == pytest.approx(total / 4, abs=1e-5)


def test_place_j_shows_tile_number_permutation_of_j_and_solving_puts_it_back(monkeypatch):
    method = build()
    images = places(6, 32)
    shuffled, which = method._shuffle(images, seeded_generator(0, "probe", 0))
    cells = (shuffled[:, :, 0].amin((2, 3)) - 1) // 10 * 3 + (shuffled[:, :, 1].amin((2, 3)) - 1) // 10
    assert torch.equal(cells.long(), method.permutations[which])
    answers = torch.nn.functional.one_hot(which, len(method.permutations)).float()
    monkeypatch.setattr(method, "_solve", lambda shuffled: answers)
    solved = method.pictures(images, seeded_generator(0, "probe", 0))["solved"]
    stream_again = seeded_generator(0, "probe", 0)
    torch.randint(64, (6,), generator=stream_again)
    assert torch.equal(solved, mosaic(tiles(images, 3, 2, stream_again), 32))


def test_what_cannot_be_is_refused():
    with pytest.raises(ConfigError, match="at most 24 for 4 tiles, got 64"):
        RunConfig(**{"method": "jigsaw", "method.grid": 2})
    with pytest.raises(ConfigError, match="multiple of patch_size 4, got 3, which leaves 7"):
        RunConfig(**{"method": "jigsaw", "network": "vit-tiny", "method.gap": 3})
