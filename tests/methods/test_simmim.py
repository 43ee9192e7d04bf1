"""SimMIM: what the error counts, and what the encoder is shown."""

import pytest
import torch

from playground.config import RunConfig
from playground.datasets import load_images
from playground.methods.simmim import masked_distance
from playground.randomness import seeded_generator
from support.trainings import trainer_of


@pytest.fixture
def method():
    config = RunConfig(method="simmim", network="vit-tiny", batch_size=32, steps=10, device="cpu")
    return trainer_of(config).method.eval()


def images(count=4):
    return load_images(RunConfig().data, None)[1].pixels[:count].float() / 255


def test_the_error_is_the_mean_of_hidden_pixels_in_loops():
    generator = torch.Generator().manual_seed(0)
    predicted, target = torch.rand(2, 3, 5, 12, generator=generator).double()
    hidden = torch.rand(3, 5, generator=generator) < 0.5
    pixels = [abs(float(predicted[b, i, k] - target[b, i, k])) for b in range(3) for i in range(5) for k in range(12) if hidden[b, i]]
    assert float(masked_distance(predicted, target, hidden)) == pytest.approx(sum(pixels) / len(pixels), abs=1e-9)


def test_the_trivial_painting_is_the_best_constant_one(method):
    target = method.patchify(images(64))
    trivial, mean = float(method.trivial(images(64), None)["reconstruction"]), target.flatten(0, 1).double().mean(0)
    assert trivial == pytest.approx(float((target - mean).square().mean()), abs=1e-7)
    assert all(float((target - mean - each).square().mean()) > trivial for each in (-0.1, 0.1))


def test_pictures_paste_only_what_was_hidden(method):
    with torch.no_grad():
        rows = method.pictures(images(), seeded_generator(0, "probe", 0))
    hidden = (rows["masked"] - 0.5).abs().amax(1, keepdim=True) < 1e-6
    assert list(rows) == ["original", "masked", "reconstruction", "pasted"]
    assert 0.3 < hidden.float().mean() < 0.8
    assert torch.equal(torch.where(hidden, rows["reconstruction"], rows["original"]), rows["pasted"])
