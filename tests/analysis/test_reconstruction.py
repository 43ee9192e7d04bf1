"""One image under masks: ratios inside of each other, averages against loops, attention as the network has it."""

import pytest
import torch

from playground.analysis.reconstruction import (
    MANY,
    RATIOS,
    at_ratios,
    attention_of,
    average,
    fill,
    fresh_vit,
    many_masks,
    mask_of,
    over_pixels,
)
from playground.config import RunConfig
from playground.datasets import load_images
from playground.views.masking import Mask, Masking
from support.trainings import trainer_of

STRATEGIES = ("random", "block", "grid", "attention")


@pytest.fixture(scope="module")
def method():
    config = RunConfig(method="mae", batch_size=16, steps=10, device="cpu")
    return trainer_of(config).method.eval().requires_grad_(False)


@pytest.fixture(scope="module")
def image():
    return load_images(RunConfig().data, None)[1].pixels[:1].float() / 255


@pytest.mark.slow
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_masks_of_one_seed_lie_inside_of_each_other(method, image, strategy):
    masks = [mask_of(Masking(strategy=strategy, ratio=ratio), method.vit, image, 3).hidden for ratio in (0.2, 0.5, 0.9)]
    assert [int(each.sum()) for each in masks] == [13, 32, 58]
    assert not (masks[0] & ~masks[1]).any() and not (masks[1] & ~masks[2]).any()
    other = mask_of(Masking(strategy=strategy, ratio=0.5), method.vit, image, 4).hidden
    assert strategy == "grid" or not torch.equal(other, masks[1])


@pytest.mark.slow
def test_each_ratio_is_filled_under_its_own_mask(method, image):
    order = mask_of(Masking(), method.vit, image, 0).order
    found = at_ratios(method, image, order)
    assert len(found) == len(RATIOS) and all(abs(each.ratio - wanted) < 1 / 64 for each, wanted in zip(found, RATIOS, strict=True))
    for each in found:
        alone = fill(method, image, Mask.of(each.hidden))
        errors = [float(alone.error[0, i]) for i in each.hidden[0].nonzero()[:, 0].tolist()]
        assert each.error == pytest.approx(sum(errors) / len(errors), rel=1e-3)


@pytest.mark.slow
def test_the_average_is_that_of_loops_and_chunks_change_nothing(method, image, monkeypatch):
    masks = many_masks(Masking(ratio=0.1), method.vit, image, 0)
    found = average(method, image, masks)
    assert len(masks.order) == MANY and torch.equal(found.times, masks.hidden.sum(0))
    patches, error = torch.zeros(64, 48), torch.zeros(64)
    for i in range(MANY):
        alone = fill(method, image, Mask.of(masks.hidden[i : i + 1]))
        painted = method.patchify(alone.painted.clamp(0, 1))[0]
        for patch in masks.hidden[i].nonzero()[:, 0].tolist():
            patches[patch] += painted[patch] / found.times[patch]
            error[patch] += alone.error[0, patch] / found.times[patch]
    patches[found.times == 0], error[found.times == 0] = 0.5, float("nan")
    assert torch.allclose(method.patchify(found.painted[None])[0], patches, atol=1e-4)
    assert torch.allclose(found.error, error, atol=1e-4, equal_nan=True)
    monkeypatch.setattr("playground.analysis.reconstruction.AT_ONCE", 5 * 64**2)
    assert torch.allclose(average(method, image, masks).painted, found.painted, atol=1e-5)


def test_a_patch_that_no_mask_hid_is_gray_and_has_no_error(method, image):
    hidden = torch.zeros(2, 64, dtype=torch.bool)
    hidden[:, 5] = True
    found = average(method, image, Mask.of(hidden))
    assert found.times.tolist() == [0] * 5 + [2] + [0] * 58
    assert found.error.isnan().sum() == 63 and torch.equal(found.painted[:, :4, :20], torch.full((3, 4, 20), 0.5))


def test_attention_is_of_the_patch_that_was_asked_for(method, image):
    found = attention_of(method.vit, image, 17)
    assert found.shape == (4, 64) and torch.allclose(found.sum(1), torch.ones(4), atol=1e-5)
    assert torch.equal(found, method.vit.attention(image)[0, :, 17]) and not torch.equal(found, attention_of(method.vit, image, 18))


def test_values_of_patches_become_squares_of_pixels():
    assert over_pixels(torch.tensor([[1, 2, 3, 4]]), 4)[0, 0].tolist() == [[1, 1, 2, 2], [1, 1, 2, 2], [3, 3, 4, 4], [3, 3, 4, 4]]


def test_a_fresh_network_is_the_same_one_every_time_and_disturbs_no_random_numbers():
    before = torch.random.get_rng_state()
    first, again = fresh_vit(32, 8), fresh_vit(32, 8)
    assert first.grid == 4 and torch.equal(first.embed.weight, again.embed.weight)
    assert torch.equal(before, torch.random.get_rng_state())
