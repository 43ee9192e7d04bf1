"""Untrained: a network with random weights."""

from __future__ import annotations

import torch
from torch import Tensor

from playground.methods.base import Batch, Method


class Untrained(Method):
    """No training at all: the weights stay random. A method that is not better than this has learned nothing.

    Random convolutions keep much of an image, most of all its colors: Saxe et al., 2011.
    """

    name, title, family = "untrained", "Untrained network", "baseline"
    summary = "Changes nothing: the random network that every method starts from and has to beat."
    paper = "Saxe et al., 2011: On Random Weights and Unsupervised Feature Learning"
    link = "https://mlanthology.org/icml/2011/saxe2011icml-random/"
    equation = r"\theta_t = \theta_0"
    loss_unit = "none"
    advice = "It has no loss, so 0 is shown. Even random weights represent colors well."
    views, trains = 1, False
    suggests = {"steps": 20}

    def loss(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """Always 0."""
        return {"loss": torch.zeros((), device=batch.views[0].device)}

    def backward(self, values: dict[str, Tensor]) -> dict[str, Tensor]:
        """No gradient."""
        return values
