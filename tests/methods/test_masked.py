"""One battery over all methods that fill in: the mask is real, and pictures, diagnostics and a mask given from outside tell one story."""

import pytest
import torch

from playground.config import RunConfig
from playground.datasets import load_images
from playground.methods import CATALOG
from playground.methods.shared.masked import Masked, masked_mean
from playground.randomness import seeded_generator
from playground.views.masking import Mask
from support.trainings import trainer_of

FILLING = [name for name in CATALOG if not CATALOG[name].cannot_reconstruct]
CASES = [*FILLING, "mae normalized"]


@pytest.fixture(params=CASES)
def method(request):
    name, _, more = request.param.partition(" ")
    settings = {"method": name, "network": "vit-tiny", "batch_size": 16, "steps": 10, "device": "cpu"}
    config = RunConfig(**settings | ({"method.normalize_patches": True} if more else {}))
    return trainer_of(config).method.eval().requires_grad_(False)


def images(count=3):
    return load_images(RunConfig().data, None)[1].pixels[:count].float() / 255


def over_pixels(hidden):
    return hidden.unflatten(1, (1, 8, 8)).repeat_interleave(4, 2).repeat_interleave(4, 3)


def drawn_by_hand():
    """A frame, a stripe and a corner, 15 patches each."""
    hidden = torch.zeros(3, 8, 8, dtype=torch.bool)
    hidden[0, 0], hidden[0, 1:, 0] = True, True
    hidden[1, 3:5, :7], hidden[1, 5, 0] = True, True
    hidden[2, 3:, 5:] = True
    return hidden.flatten(1)


def test_who_cannot_fill_in_says_why():
    for each in CATALOG.values():
        assert issubclass(each, Masked) != bool(each.cannot_reconstruct), each.name
        assert "\n" not in each.cannot_reconstruct
    assert {"mae", "simmim", "beit", "maskfeat"} <= set(FILLING)


@pytest.mark.slow
def test_a_mask_given_from_outside_is_filled_as_pictures_show_it(method):
    mask = method.draw(images(), seeded_generator(0, "probe", 0))
    rows, filled = method.pictures(images(), seeded_generator(0, "probe", 0)), method.fill(images(), mask)
    assert all(torch.equal(rows[name], each) for name, each in method.rows(images(), mask.hidden, filled).items())
    again = method.fill(images(), Mask.of(mask.hidden))
    assert torch.allclose(again.painted, filled.painted, atol=1e-4) and torch.allclose(again.error, filled.error, atol=1e-4)


@pytest.mark.slow
def test_what_is_hidden_never_reaches_the_prediction(method):
    first, mask = images(), Mask.of(drawn_by_hand())
    covered = over_pixels(mask.hidden)
    said = method.predict(first, mask)
    assert torch.equal(said, method.predict(torch.where(covered, 1 - first, first), mask))
    assert not torch.allclose(said, method.predict(torch.where(covered, first, 1 - first), mask), atol=1e-3)


def upside_down(first, patches):
    """These patches, each turned upside down within itself: other pixels of the same mean and contrast."""
    turned = first.unflatten(2, (8, 4)).flip(3).flatten(2, 3)
    return torch.where(over_pixels(patches), turned, first)


@pytest.mark.slow
def test_the_painting_takes_nothing_from_hidden_patches_but_what_it_says_it_borrows(method):
    first, hidden = images(), torch.ones(3, 8, 8, dtype=torch.bool)
    hidden[:, :, :2] = False
    mask, far = Mask.of(hidden.flatten(1)), hidden.clone()
    far[:, :, 2] = False  # these touch visible ones
    painted = method.fill(first, mask).painted
    same_mean = upside_down(first, far.flatten(1))
    assert not torch.equal(same_mean, first)
    assert torch.allclose(method.fill(same_mean, mask).painted, painted, atol=1e-4)
    other = method.fill(torch.where(over_pixels(mask.hidden), 1 - first, first), mask).painted
    assert torch.equal(other, painted) or method.borrows


@pytest.mark.slow
def test_the_error_of_a_patch_is_about_that_patch(method):
    first, hidden = images(), torch.ones(3, 8, 8, dtype=torch.bool)
    hidden[:, :, :2] = False
    one, near = torch.zeros(3, 8, 8, dtype=torch.bool), torch.zeros(3, 8, 8, dtype=torch.bool)
    one[:, 4, 4], near[:, 3:6, 3:6] = True, True
    before, mask = method.fill(first, Mask.of(hidden.flatten(1))).error, Mask.of(hidden.flatten(1))
    after = method.fill(torch.where(over_pixels(one.flatten(1)), 1 - first, first), mask).error
    assert before.shape == (3, 64) and bool((before >= 0).all())
    assert torch.equal(before[~near.flatten(1)], after[~near.flatten(1)]) and not torch.equal(before, after)


@pytest.mark.slow
def test_the_diagnostic_is_the_mean_of_the_errors_of_hidden_patches(method):
    found = method.diagnostics(images(), seeded_generator(0, "probe", 0))
    if "reconstruction" in found:
        mask = method.draw(images(), seeded_generator(0, "probe", 0))
        assert torch.equal(found["reconstruction"], masked_mean(method.fill(images(), mask).error, mask.hidden))
