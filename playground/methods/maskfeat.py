"""MaskFeat: predicts the edges of a hidden patch, not its pixels."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from playground.knobs import Choice, ConfigError, knob, option
from playground.methods.base import Config, in_full_precision
from playground.methods.shared.masked import Filled, Filler, Masked
from playground.networks import Backbone, patchify
from playground.views.masking import Mask

SPREAD = 0.1  # about the standard deviation of the bins of a histogram


class MaskFeat(Masked):
    """Hidden patches become mask tokens, and a linear layer predicts their histograms of oriented gradients (HOG).

    Wei et al., 2022, section 3: mean squared error on hidden patches, over the n values of each: HOG of each color channel,
    normalized cell by cell.
    """

    name, title = "maskfeat", "MaskFeat"
    summary = "Predicts the directions of edges in hidden patches: a target that ignores brightness and plain color."
    paper = "Wei et al., 2022: Masked Feature Prediction for Self-Supervised Visual Pre-Training"
    link = "https://arxiv.org/abs/2112.09133"
    equation = r"\frac{1}{|M|\, n} \sum_{i \in M} \| \hat{h}_i - \mathrm{HOG}(x)_i \|^2"
    loss_unit = "squared histograms"
    unit = "squared error of histograms"
    meant_for = (
        "Meant for predicting edges, and for fine-tuning after hours of training: after two "
        "minutes, its k-NN accuracy on photographs is only a little above that of random weights."
    )
    advice = (
        "Its reconstructions show edges: each line is one bin of a histogram, in the color of its channel; a brighter line is a larger "
        "value."
    )
    suggests = Masked.suggests | {"masking.ratio": 0.25, "batch_size": 64, "steps": 800, "optimizer.learning_rate": 3e-3}

    class Knobs(Choice.Knobs):
        """The histograms of gradients."""

        orientations: int = knob(9, 2, 18, "Number of edge directions over half a circle.")
        cell_size: Literal[2, 4, 8, 16] = option(4, "The side of a histogram's cell in pixels; a patch is divided into cells.")
        contrast_floor: float = knob(
            0.2,
            1e-5,
            1,
            "Histograms weaker than this count as flat. Near 0, the noise of an empty patch counts as much as an edge.",
            log=True,
        )

    @classmethod
    def check(cls, config: Config) -> None:
        """A patch must consist of whole cells."""
        cell, patch = config.method.cell_size, config.network.patch_size
        if patch % cell:
            raise ConfigError("method.cell_size", f"maskfeat: cell_size must divide the network's patch_size of {patch}, got {cell}")

    def __init__(self, backbone: Backbone, config: Config) -> None:
        super().__init__(backbone, config)
        cells = (self.vit.patch_size // self.knobs.cell_size) ** 2
        self.filler = Filler(self.vit, 3 * self.knobs.orientations * cells, SPREAD)

    def predict(self, images: Tensor, mask: Mask) -> Tensor:
        """(B, 3, H, W) -> histograms of every patch: (B, L, 3 * bins * cells)."""
        return self.filler(self.vit, images, mask.hidden)

    def target(self, images: Tensor) -> Tensor:
        """The histograms of each patch: (B, L, 3 * bins * cells)."""
        knobs = self.knobs
        maps = hog(images, knobs.cell_size, knobs.orientations, knobs.contrast_floor).flatten(1, 2)
        return patchify(maps, self.vit.patch_size // knobs.cell_size)

    def fill(self, images: Tensor, mask: Mask) -> Filled:
        """Its target is an image of histograms, too."""
        return replace(super().fill(images, mask), target=self.to_images(self.target(images), images))

    def to_images(self, predicted: Tensor, images: Tensor) -> Tensor:
        """(B, L, 3 * bins * cells) -> (B, 3, H, W): in each cell a line along each edge direction, in the color of its channel."""
        cell, patch, side = self.knobs.cell_size, self.vit.patch_size, images.shape[-1]
        maps = F.fold(predicted.transpose(1, 2), side // cell, patch // cell, stride=patch // cell)
        cells = maps.unflatten(1, (3, -1)).clamp(min=0)
        lines = strokes(self.knobs.orientations, cell).to(cells)
        return torch.einsum("bcorq,oij->bcriqj", cells, lines).reshape(len(cells), 3, side, side)


@in_full_precision
def hog(images: Tensor, cell: int, bins: int, floor: float) -> Tensor:
    """Histograms of oriented gradients (Dalal and Triggs, 2005), one for each channel and cell, each divided by its length.

    images: (B, C, H, W); floor: lengths far below it count as zero -> (B, C, bins, H / cell, W / cell).
    """
    down, across = torch.zeros_like(images), torch.zeros_like(images)
    down[:, :, 1:-1] = images[:, :, 2:] - images[:, :, :-2]
    across[..., 1:-1] = images[..., 2:] - images[..., :-2]
    angle = torch.atan2(down, across).rad2deg() % 180
    bin_of = (angle * bins / 180).long().clamp(max=bins - 1)
    votes = images.new_zeros(*images.shape[:2], bins, *images.shape[2:])
    votes.scatter_(2, bin_of[:, :, None], (down.square() + across.square()).sqrt()[:, :, None])
    maps = F.avg_pool2d(votes.flatten(1, 2), cell).unflatten(1, (images.shape[1], bins))
    return maps / (maps.square().sum(2, keepdim=True) + floor**2).sqrt()


def strokes(bins: int, cell: int) -> Tensor:
    """An image of each bin's edge, at a right angle to its gradient: (bins, cell, cell), soft lines through the center."""
    middle = (torch.arange(bins) + 0.5) * math.pi / bins
    places = torch.arange(cell) - (cell - 1) / 2
    off = places[:, None] * middle.sin()[:, None, None] + places * middle.cos()[:, None, None]  # distance from the line
    return (1.2 - off.abs()).clamp(0, 1)
