"""Shared by masked methods: the mask, the error on hidden patches, mask tokens and a small decoder, and the rows of images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, cast

import torch
from torch import Tensor, nn

from playground.methods.base import Batch, Measure, Method, in_full_precision
from playground.networks import Block, ViT, patchify, sine_positions, unpatchify
from playground.views.masking import Mask, draw_mask

if TYPE_CHECKING:
    from typing import Any

HEAD = 16  # width of one attention head of a decoder
PIXELS = 0.25  # about the standard deviation of pixels in [0, 1]


@dataclass(frozen=True)
class Filled:
    """The output of a method for masked images.

    painted: (B, 3, H, W), the prediction of every patch; error: (B, L), the error of each patch in the method's own `unit`;
    target: (B, 3, H, W), the correct output, if that is not the image itself.
    """

    painted: Tensor
    error: Tensor
    target: Tensor | None = None


class Masked(Method):
    """A method that hides patches according to `config.masking` and learns to predict them.

    A subclass defines the prediction under a given mask, its target, and how to show either as an image. Loss, diagnostics and
    pictures follow from these.
    """

    family = "masked"
    views, masked, accepts, cannot_reconstruct = 1, True, frozenset({"vit"}), ""
    unit: str = "squared error of pixels in [0, 1]"  # unit of the error of a patch
    borrows: str = ""  # a sentence: what its reconstruction of hidden patches takes from the original, if anything
    suggests: ClassVar[dict[str, Any]] = {
        "network": "vit-tiny",
        "augment.crop_scale_min": 0.6,
        "augment.jitter_probability": 0.0,
        "augment.grayscale_probability": 0.0,
        "optimizer.learning_rate": 2e-3,
        "steps": 400,
    }
    measures = {
        "reconstruction": Measure(
            "Reconstruction error",
            "far below the dashed line, the error of the mean patch",
            0,
            formula="mean over hidden patches of the method's own squared error, on held-out images",
            unit="the method's own: squared pixel values, of normalized patches if it normalizes them, or squared histograms",
        )
    }

    @property
    def vit(self) -> ViT:
        """The backbone, typed as a ViT."""
        return cast(ViT, self.backbone)

    def predict(self, images: Tensor, mask: Mask) -> Tensor:
        """(B, 3, H, W) -> the prediction for every patch, made without seeing the hidden ones: (B, L, n)."""
        raise NotImplementedError

    def target(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) -> the target of every patch: (B, L, n). Pixels in [0, 1], unless the method defines another one."""
        return self.patchify(images)

    def to_images(self, predicted: Tensor, images: Tensor) -> Tensor:
        """Predicted patches (B, L, n) of these images -> (B, 3, H, W)."""
        return unpatchify(predicted, self.vit.patch_size, images.shape[-1])

    def fill(self, images: Tensor, mask: Mask) -> Filled:
        """(B, 3, H, W) under a given mask."""
        predicted = self.predict(images, mask)
        return Filled(self.to_images(predicted, images), patch_errors(predicted, self.target(images)))

    def loss(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """One view -> the error on hidden patches."""
        return {"loss": self._error(batch.views[0], generator)}

    def diagnostics(self, images: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """`reconstruction`: the squared error on hidden patches of probe images, also if the method minimizes another error."""
        return {"reconstruction": self._error(images, generator)}

    def _error(self, images: Tensor, generator: torch.Generator) -> Tensor:
        mask = self.draw(images, generator)
        return masked_error(self.predict(images, mask), self.target(images), mask.hidden)

    def trivial(self, images: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """The error of predicting the mean patch everywhere."""
        return {"reconstruction": mean_patch_error(self.target(images))}

    def pictures(self, images: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """original · masked · (target, if it is not the image) · reconstruction · reconstruction pasted over the hidden patches."""
        mask = self.draw(images, generator)
        return self.rows(images, mask.hidden, self.fill(images, mask))

    def draw(self, images: Tensor, generator: torch.Generator) -> Mask:
        """(B, 3, H, W) -> a random mask for each image."""
        return draw_mask(self.masking, images, self.vit.patch_size, self.vit.attention, generator)

    def patchify(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) -> (B, L, 3 p p)."""
        return patchify(images, self.vit.patch_size)

    def rows(self, images: Tensor, hidden: Tensor, filled: Filled) -> dict[str, Tensor]:
        """The rows of `pictures`: name -> (B, 3, H, W) in [0, 1]. hidden: (B, L) bool."""
        grid, side = images.shape[-1] // self.vit.patch_size, self.vit.patch_size
        covered = hidden.unflatten(1, (1, grid, grid)).repeat_interleave(side, 2).repeat_interleave(side, 3)
        wanted = images if filled.target is None else filled.target
        rows = {"original": images, "masked": torch.where(covered, 0.5, images)}
        rows |= {} if filled.target is None else {"target": filled.target}
        rows |= {"reconstruction": filled.painted, "pasted": torch.where(covered, filled.painted, wanted)}
        return {name: row.clamp(0, 1) for name, row in rows.items()}


class Filler(nn.Module):
    """Hidden patches go through the encoder, too, as mask tokens, and a linear layer predicts the patches (SimMIM, section 3).

    scale: about the standard deviation of the targets. Adam's steps have one size: too large for small targets, too small for large ones.
    """

    def __init__(self, vit: ViT, out: int, scale: float = 1.0) -> None:
        super().__init__()
        self.scale = scale
        self.mask_token = nn.Parameter(torch.zeros(vit.width))
        self.leave = nn.Linear(vit.width, out)

    def forward(self, vit: ViT, images: Tensor, hidden: Tensor) -> Tensor:
        """(B, 3, H, W), hidden (B, L) bool -> the prediction for every patch: (B, L, out)."""
        tokens = vit.patches(images)
        masked = (self.mask_token + vit.positions).to(tokens.dtype)
        return self.leave(vit.encode(torch.where(hidden[..., None], masked, tokens))).float() * self.scale


class Decoder(nn.Module):
    """A narrow transformer that predicts hidden patches from the tokens of the visible ones (MAE, section 3)."""

    def __init__(self, vit: ViT, width: int, depth: int, out: int) -> None:
        super().__init__()
        self.enter = nn.Linear(vit.width, width)
        self.mask_token = nn.Parameter(torch.zeros(width))
        self.positions: Tensor
        self.register_buffer("positions", sine_positions(vit.grid, width), persistent=False)
        self.blocks = nn.Sequential(*[Block(width, width // HEAD) for _ in range(depth)], nn.LayerNorm(width))
        self.leave = nn.Linear(width, out)

    def forward(self, seen: Tensor, places: Tensor, wanted: Tensor) -> Tensor:
        """seen (B, V, width of the ViT) at indices places (B, V), and indices wanted (B, W) -> (B, V + W, out), in this order."""
        known = self.enter(seen) + self.positions[places]
        queries = self.mask_token + self.positions[wanted]
        return self.leave(self.blocks(torch.cat([known, queries.to(known.dtype)], 1))).float()


def gather_patches(tokens: Tensor, places: Tensor) -> Tensor:
    """The tokens (B, L, D) at indices places (B, V) -> (B, V, D)."""
    return tokens.gather(1, places[..., None].expand(-1, -1, tokens.shape[-1]))


def restore_order(tokens: Tensor, order: Tensor) -> Tensor:
    """The inverse for all patches: tokens (B, L, D) in this order (B, L) -> (B, L, D) in reading order."""
    return torch.empty_like(tokens).scatter(1, order[..., None].expand_as(tokens), tokens)


@in_full_precision
def patch_errors(predicted: Tensor, target: Tensor) -> Tensor:
    """The mean squared error of each patch: (B, L, n) -> (B, L)."""
    return (predicted - target).square().mean(-1)


def masked_error(predicted: Tensor, target: Tensor, hidden: Tensor) -> Tensor:
    """Mean squared error over hidden patches. predicted, target: (B, L, n); hidden: (B, L) bool -> scalar."""
    return masked_mean(patch_errors(predicted, target), hidden)


def masked_mean(errors: Tensor, hidden: Tensor) -> Tensor:
    """errors: (B, L), one per patch; hidden: (B, L) bool -> their mean over hidden patches."""
    return (errors * hidden).sum() / hidden.sum()


@in_full_precision
def mean_patch_error(target: Tensor) -> Tensor:
    """The squared error of predicting the mean patch everywhere, the best constant prediction. target: (B, L, n) -> scalar."""
    return (target - target.mean((0, 1))).square().mean()
