"""Triplet: the hinge against loops, and which negative each way of mining picks."""

import pytest
import torch
import torch.nn.functional as F

from playground.methods.triplet import MINERS, hard_negatives, random_negatives, semihard_negatives, squared_distances
from playground.randomness import seeded_generator

COUNT = 6  # images, so 12 views


@pytest.fixture
def z():
    return torch.randn(2 * COUNT, 4, generator=torch.Generator().manual_seed(3)).double()


def distance(z, i, j):
    return float((z[i] / z[i].norm() - z[j] / z[j].norm()).square().sum())


def picked_in_loops(z, mining):
    """FaceNet, section 3.2, anchor by anchor."""
    picks = []
    for i in range(2 * COUNT):
        positive = (i + COUNT) % (2 * COUNT)
        others = sorted((distance(z, i, j), j) for j in range(2 * COUNT) if j not in (i, positive))
        beyond = [each for each in others if each[0] > distance(z, i, positive)]
        picks.append((others[0] if mining == "hard" else beyond[0] if beyond else others[-1])[1])
    return picks


@pytest.mark.parametrize(("mining", "miner"), [("hard", hard_negatives), ("semi-hard", semihard_negatives)])
def test_the_mined_negative_is_the_published_one(z, mining, miner):
    expected = picked_in_loops(z, mining)
    assert miner(squared_distances(z), seeded_generator(0, "loss", 1)).tolist() == expected
    assert picked_in_loops(z, "hard") != picked_in_loops(z, "semi-hard")


def test_the_hinge_agrees_with_torch(z):
    """torch's own triplet loss, whose distance is a knob, on the triplets that were picked."""
    negatives = semihard_negatives(squared_distances(z), seeded_generator(0, "loss", 1))
    unit = F.normalize(z, dim=1)
    positives = unit.roll(COUNT, 0)
    theirs = F.triplet_margin_with_distance_loss(
        unit, positives, unit[negatives], distance_function=lambda a, b: (a - b).square().sum(1), margin=0.5
    )
    distances = squared_distances(z)
    own = distances.diagonal(COUNT).repeat(2)
    ours = F.relu(own - distances.gather(1, negatives[:, None])[:, 0] + 0.5).mean()
    assert float(ours) == pytest.approx(float(theirs), abs=1e-9)


def test_random_negatives_are_all_views_of_other_images_alike():
    counts = torch.zeros(2 * COUNT, 2 * COUNT)
    distances = torch.zeros(2 * COUNT, 2 * COUNT)
    for step in range(600):
        counts[torch.arange(2 * COUNT), random_negatives(distances, seeded_generator(0, "loss", step))] += 1
    own = torch.arange(2 * COUNT) % COUNT
    same = own[:, None] == own
    assert counts[same].sum() == 0
    assert ((counts[~same] / 600 - 0.1).abs() < 0.05).all()


@pytest.mark.parametrize("mining", MINERS)
def test_at_a_point_no_miner_picks_the_image_itself(mining):
    """Where everything is equally far, ties must not fall on the anchor or its positive."""
    z = torch.ones(2 * COUNT, 4)
    picks = MINERS[mining](squared_distances(z), seeded_generator(0, "loss", 1))
    assert (picks % COUNT != torch.arange(2 * COUNT) % COUNT).all()


def test_the_smallest_batch_has_a_negative():
    for miner in MINERS.values():
        assert set(miner(torch.zeros(4, 4), seeded_generator(0, "loss", 1)).tolist()) <= {0, 1, 2, 3}
