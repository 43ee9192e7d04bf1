"""MAE: its error counts hidden patches only, and normalized patches come back."""

import pytest
import torch

from playground.config import RunConfig
from playground.datasets import load_images
from playground.methods.mae import normalized
from playground.methods.shared.masked import masked_error
from playground.randomness import seeded_generator
from support.trainings import trainer_of


def test_masked_error_counts_hidden_patches_only():
    target = torch.zeros(2, 4, 3)
    predicted = torch.tensor([0.0, 1.0, 2.0, 3.0])[None, :, None].expand(2, 4, 3)
    hidden = torch.tensor([[False, True, False, True], [False, False, True, True]])
    assert float(masked_error(predicted, target, hidden)) == pytest.approx((1 + 9 + 4 + 9) / 4)


def test_normalized_patches_have_mean_zero_variance_one_and_come_back():
    patches = torch.rand(3, 5, 48, generator=torch.Generator().manual_seed(0))
    each, mean, spread = normalized(patches)
    assert torch.allclose(each.mean(-1), torch.zeros(3, 5), atol=1e-5)
    assert torch.allclose(each.var(-1), torch.ones(3, 5), atol=1e-3)
    assert torch.allclose(each * spread + mean, patches, atol=1e-6)


def test_normalized_patches_are_painted_with_the_mean_and_contrast_they_borrow():
    config = RunConfig(method="mae", network="vit-tiny", batch_size=32, steps=12, device="cpu", **{"method.normalize_patches": True})
    method = trainer_of(config).method.requires_grad_(False)
    images = load_images(RunConfig().data, None)[1].pixels[:2].float() / 255
    mask = method.draw(images, seeded_generator(0, "probe", 0))
    _, mean, spread = normalized(method.patchify(images))
    painted, said = method.patchify(method.fill(images, mask).painted), method.predict(images, mask)
    assert torch.allclose(painted, said * spread + mean, atol=1e-6)
    assert "both are taken from the original" in method.borrows and "normalized" in method.unit


def test_the_error_of_a_patch_is_that_of_its_pixels():
    config = RunConfig(method="mae", network="vit-tiny", batch_size=32, steps=12, device="cpu")
    method = trainer_of(config).method.requires_grad_(False)
    images = load_images(RunConfig().data, None)[1].pixels[:1].float() / 255
    found = method.fill(images, method.draw(images, seeded_generator(0, "probe", 0)))
    pixels = (found.painted - images).square()
    for patch in (0, 9, 63):
        row, column = 4 * (patch // 8), 4 * (patch % 8)
        assert float(found.error[0, patch]) == pytest.approx(float(pixels[0, :, row : row + 4, column : column + 4].mean()), rel=1e-4)


def test_masked_pictures_keep_what_was_visible():
    config = RunConfig(method="mae", network="vit-tiny", batch_size=32, steps=12, device="cpu")
    trainer = trainer_of(config)
    images = load_images(RunConfig().data, None)[1].pixels[:4].float() / 255
    with torch.no_grad():
        rows = trainer.method.pictures(images, seeded_generator(0, "probe", 0))
    hidden = (rows["masked"] - 0.5).abs().amax(1, keepdim=True) < 1e-6
    assert 0.6 < hidden.float().mean() < 0.9
    assert torch.equal(torch.where(hidden, rows["original"], rows["masked"]), rows["original"])
    assert torch.equal(torch.where(hidden, rows["reconstruction"], rows["original"]), rows["pasted"])
