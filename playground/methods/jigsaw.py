"""Jigsaw: predicts the order of shuffled tiles."""

from __future__ import annotations

import functools
import itertools
import math
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from playground.knobs import Choice, ConfigError, knob, option
from playground.methods.base import Batch, Config, Measure, Method, Reference
from playground.networks import Backbone
from playground.networks.heads import projector

MIN_TILE = 5  # pixels, the side of a tile


class Jigsaw(Method):
    """Tiles of a view are shuffled by one of K permutations and encoded one by one; a head sees all of them and predicts which one.

    Noroozi and Favaro, 2016, section 3: cross-entropy over permutations that differ in as many places as possible.
    Unlike in the paper, tiles are not normalized one by one: on flat backgrounds only noise would be left.
    """

    name, title, family = "jigsaw", "Jigsaw", "predictive"
    summary = "Shuffles the tiles of an image and predicts their order: the network must learn how parts form a whole."
    paper = "Noroozi and Favaro, 2016: Unsupervised Learning of Visual Representations by Solving Jigsaw Puzzles"
    link = "https://arxiv.org/abs/1603.09246"
    equation = r"-\log p\left(\sigma \mid f(x_{\sigma(1)}), \dots, f(x_{\sigma(9)})\right)"
    loss_unit = "nats"
    meant_for = "Meant for the order of parts: after some minutes, its k-NN accuracy on photographs is hardly above that of random weights."
    advice = "Without a gap, lines that continue from tile to tile solve the puzzle, and nothing about objects is learned."
    views = 1
    suggests = {"steps": 400, "optimizer.learning_rate": 2e-3, "augment.crop_scale_min": 0.8}
    measures = {
        "jigsaw_accuracy": Measure(
            "Jigsaw accuracy",
            "high; 1 / permutations is guessing",
            0,
            1,
            formula="share of the shuffled images whose permutation is predicted correctly",
            unit="share, from 0 to 1",
        )
    }

    class Knobs(Choice.Knobs):
        """More permutations: a harder puzzle."""

        grid: Literal[2, 3] = option(3, "Tiles in a row: 2 makes 4 tiles, 3 makes 9.")
        permutations: int = knob(64, 2, 256, "Number of orders to choose from; they differ in as many places as possible.", log=True)
        gap: int = knob(
            2, 0, 5, "Pixels between tiles on average. Each tile also moves randomly by up to this many pixels, so that edges give no hint."
        )
        hidden_size: int = knob(256, 8, 4096, "Width of the layer that sees all tiles together.")

    def __init__(self, backbone: Backbone, config: Config) -> None:
        super().__init__(backbone, config)
        knobs = self.knobs
        self.register_buffer("permutations", distant_permutations(knobs.grid**2, knobs.permutations))
        self.permutations: Tensor
        self.enter = nn.Sequential(nn.Linear(backbone.width, 64), nn.ReLU())
        self.head = projector(64 * knobs.grid**2, knobs.hidden_size, knobs.permutations)

    @classmethod
    def check(cls, config: Config) -> None:
        """Refuses more permutations than exist, and tiles that do not fit the network."""
        knobs = config.method
        most = math.factorial(knobs.grid**2)
        if knobs.permutations > most:
            raise ConfigError(
                "method.permutations", f"jigsaw: permutations must be at most {most} for {knobs.grid**2} tiles, got {knobs.permutations}"
            )
        check_tiles(config, knobs.grid, knobs.gap)

    def loss(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """One view -> cross-entropy over the permutations, and the accuracy."""
        shuffled, which = self._shuffle(batch.views[0], generator)
        logits = self._solve(shuffled)
        return {"loss": F.cross_entropy(logits, which), "jigsaw_accuracy": (logits.argmax(1) == which).float().mean()}

    def _shuffle(self, images: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """(B, C, H, H) -> tiles in a permuted order (B, N, C, s, s), and which permutation (B,): place j shows tile permutation[j]."""
        which = torch.randint(len(self.permutations), (len(images),), generator=generator, device=generator.device)
        pieces = tiles(images, self.knobs.grid, self.knobs.gap, generator)
        return pieces[torch.arange(len(images), device=images.device)[:, None], self.permutations[which]], which

    def _solve(self, shuffled: Tensor) -> Tensor:
        """(B, N, C, s, s) -> logits (B, K)."""
        features = self.enter(self.backbone(shuffled.flatten(0, 1)))
        return self.head(features.view(len(shuffled), -1)).float()

    def diagnostics(self, images: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """`jigsaw_accuracy` on probe images."""
        shuffled, which = self._shuffle(images, generator)
        return {"jigsaw_accuracy": (self._solve(shuffled).argmax(1) == which).float().mean()}

    def trivial(self, images: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """Guessing."""
        return {"jigsaw_accuracy": images.new_tensor(1 / len(self.permutations))}

    def pictures(self, images: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """original · its tiles shuffled · the tiles at the positions that the network predicts."""
        shuffled, _ = self._shuffle(images, generator)
        back = self.permutations[self._solve(shuffled).argmax(1)].argsort(1)
        solved = shuffled[torch.arange(len(images), device=images.device)[:, None], back]
        return {"original": images} | {
            name: mosaic(each, images.shape[-1]) for name, each in {"shuffled": shuffled, "solved": solved}.items()
        }

    @classmethod
    def references(cls, config: Config) -> list[Reference]:
        """All permutations are equally frequent."""
        count = config.method.permutations
        return [Reference("loss", math.log(count), f"guessing: ln {count}")]


@functools.lru_cache(maxsize=8)
def distant_permutations(length: int, count: int) -> Tensor:
    """Algorithm 1: greedily adds the permutation with the largest total distance to all chosen so far -> (count, length).

    It begins with the identity (the paper: a random one) and takes the first of several equal ones, so that the result is always the same.
    """
    every = torch.tensor(list(itertools.permutations(range(length))), dtype=torch.int8).T.contiguous()
    chosen, agreement = [0], torch.zeros(every.shape[1], dtype=torch.int16)
    while len(chosen) < count:
        agreement += (every == every[:, chosen[-1], None]).sum(0, dtype=torch.int16)
        agreement[chosen[-1]] = torch.iinfo(torch.int16).max // 2
        chosen.append(int(agreement.argmin()))
    return every[:, chosen].T.long()


def check_tiles(config: Config, grid: int, gap: int) -> None:
    """Raises ConfigError unless tiles with this gap are large enough and consist of whole patches of a ViT."""
    side, patch = config.data.image_size // grid - gap, getattr(config.network, "patch_size", 1)
    if side < MIN_TILE or side % patch:
        rule = f"at least {MIN_TILE} pixels" + (f" and a multiple of patch_size {patch}" if patch > 1 else "")
        raise ConfigError("method.gap", f"{config.method.name}: gap must leave tiles whose side is {rule}, got {gap}, which leaves {side}")


def tiles(images: Tensor, grid: int, gap: int, generator: torch.Generator) -> Tensor:
    """Cuts a tile, `gap` pixels smaller than a cell, out of each cell of a grid: (B, C, H, H) -> (B, grid^2, C, s, s) in reading order."""
    cell, count = images.shape[-1] // grid, len(images)
    move = torch.randint(gap + 1, (2, count, grid**2), generator=generator, device=generator.device)
    corner = cell * torch.arange(grid, device=images.device) + images.shape[-1] % grid // 2
    inside = torch.arange(cell - gap, device=images.device)
    rows = (corner.repeat_interleave(grid) + move[0])[..., None] + inside  # (B, grid^2, s)
    columns = (corner.repeat(grid) + move[1])[..., None] + inside
    every = torch.arange(count, device=images.device)[:, None, None, None]
    return images.movedim(1, -1)[every, rows[..., :, None], columns[..., None, :]].movedim(-1, 2)


def mosaic(pieces: Tensor, size: int) -> Tensor:
    """Tiles in reading order on gray, each in the center of its cell: (B, grid^2, C, s, s) -> (B, C, size, size)."""
    count, places, channels, side, _ = pieces.shape
    grid = math.isqrt(places)
    cell, edge = size // grid, size % grid // 2
    canvas = pieces.new_full((count, channels, size, size), 0.5)
    for place in range(places):
        top, left = (edge + cell * each + (cell - side) // 2 for each in divmod(place, grid))
        canvas[:, :, top : top + side, left : left + side] = pieces[:, place]
    return canvas
