"""Autoregressive pixels: nothing of the future is seen; palette, likelihood and entropy against independent counts."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.stats import entropy

from playground.config import RunConfig
from playground.methods.autoregressive import bits_per_dimension, dequantized, quantized
from playground.networks import ViT, attention
from playground.randomness import seeded_generator
from playground.training.trainer import Batch


@pytest.fixture
def method():
    torch.manual_seed(0)
    config = RunConfig(method="autoregressive")
    return config.method.choice(ViT(32, 4, 32, 2, 2), config).eval()


@pytest.fixture
def images():
    return torch.rand(3, 3, 32, 32, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("levels", [2, 3, 4, 6, 8])
def test_the_palette_gives_the_nearest_color(images, levels):
    line = np.linspace(0, 1, levels)
    palette = np.array([(r, g, b) for r in line for g in line for b in line])
    pixels = images[:, :, :4, :4].permute(0, 2, 3, 1).reshape(-1, 3).double().numpy()
    nearest = ((pixels[:, None] - palette) ** 2).sum(2).argmin(1)
    found = quantized(images[:, :, :4, :4], levels)
    assert found.flatten().tolist() == nearest.tolist()
    assert np.allclose(dequantized(found, levels).permute(0, 2, 3, 1).reshape(-1, 3).numpy(), palette[nearest], atol=1e-6)


@torch.no_grad()
def test_no_prediction_depends_on_its_own_pixel_or_a_later_one(method, images):
    colors = method._colors(images)
    before = method._predict(colors)
    for place in (0, 1, 30, 63):
        changed = colors.clone()
        changed[:, place] = (changed[:, place] + 21) % 64
        after = method._predict(changed)
        assert torch.allclose(after[:, : place + 1], before[:, : place + 1], atol=1e-6)
        assert place == 63 or not torch.allclose(after[:, place + 1], before[:, place + 1], atol=1e-4)
    assert not torch.allclose(method._states(changed)[:, -1], method._states(colors)[:, -1], atol=1e-4)


@pytest.mark.slow
@torch.no_grad()
def test_the_loss_is_the_likelihood_factor_by_factor(method, images):
    """Each factor from a forward pass over nothing but the pixels before it."""
    values = method.loss(Batch([images]), seeded_generator(0, "loss", 0))
    colors, total = method._colors(images), 0.0
    tokens = method.backbone.patches(method._enlarged(colors))
    for row in range(3):
        for place in range(64):
            known = torch.cat([method.start[None], tokens[row, :place]])[None]
            logits = method.head(method.backbone.encode(known, causal=True)[0, -1]).double().tolist()
            total -= math.log(math.exp(logits[colors[row, place]]) / sum(map(math.exp, logits)))
    assert float(values["loss"]) == pytest.approx(total / 192, abs=1e-5)
    assert float(values["bits_per_dimension"]) == pytest.approx(total / 192 / math.log(2) / 3, abs=1e-5)


def test_the_trivial_solution_is_the_entropy_of_the_histogram(method, images):
    counts = np.bincount(method._colors(images).flatten().numpy())
    ours = float(method.trivial(images, seeded_generator(0, "probe", 0))["bits_per_dimension"])
    assert ours == pytest.approx(entropy(counts, base=2) / 3, abs=1e-6)
    assert float(bits_per_dimension(torch.tensor(math.log(64)))) == pytest.approx(2)  # four levels are two bits


def test_causal_attention_is_that_of_torch():
    q, k, v = torch.randn(3, 2, 4, 10, 8, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(attention(q, k, v, True), F.scaled_dot_product_attention(q, k, v, is_causal=True), atol=1e-6)
    assert torch.allclose(attention(q, k, v), F.scaled_dot_product_attention(q, k, v), atol=1e-6)


@pytest.mark.slow
@torch.no_grad()
def test_the_upper_half_stays_and_the_lower_is_drawn_again(method, images):
    rows = method.pictures(images, seeded_generator(0, "probe", 0))
    assert torch.equal(rows["continued"][:, :, :16], rows["original"][:, :, :16])
    assert not torch.equal(rows["continued"][:, :, 16:], rows["original"][:, :, 16:])
    assert torch.equal(rows["continued"], method.pictures(images, seeded_generator(0, "probe", 0))["continued"])
