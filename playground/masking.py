"""Masking: which patches of an image a masked method hides."""

from __future__ import annotations

import torch
from torch import Tensor

from playground.knobs import Section, knob


class Masking(Section):
    """How much is hidden, for the methods that learn by filling in."""

    ratio: float = knob(0.75, 0.05, 0.95, "The share of patches that is hidden. Images repeat themselves, so most can go.", live=True)


def random_order(batch: int, patches: int, generator: torch.Generator) -> Tensor:
    """A random order of the patches of every image: (B, L) indices on the generator's device."""
    return torch.rand(batch, patches, generator=generator, device=generator.device).argsort(1)


def visible_count(patches: int, ratio: float) -> int:
    """How many of `patches` stay visible: at least one, and at least one is hidden."""
    return min(max(int(patches * (1 - ratio)), 1), patches - 1)
