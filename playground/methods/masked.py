"""What masked methods share: the mask, the error on hidden patches, mask tokens and a small decoder, and the rows of pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

import torch
from torch import Tensor, nn

from playground.masking import Mask, draw_mask
from playground.methods.base import Measure, Method, in_full_precision
from playground.networks import Block, ViT, patchify, sine_positions

if TYPE_CHECKING:
    from typing import Any

HEAD = 16  # width of one attention head of a decoder
PIXELS = 0.25  # about how far pixels in [0, 1] spread


class Masked(Method):
    """A method that hides patches, as `config.masking` says, and learns by filling them in."""

    family = "masked"
    views, masked, accepts = 1, True, frozenset({"vit"})
    suggests: ClassVar[dict[str, Any]] = {
        "network": "vit-tiny",
        "augment.crop_scale_min": 0.6,
        "augment.jitter_probability": 0.0,
        "augment.grayscale_probability": 0.0,
        "optimizer.learning_rate": 2e-3,
        "steps": 400,
    }
    measures = {"reconstruction": Measure("Reconstruction error", "far below the dashed line, which paints the mean patch", 0)}

    @property
    def vit(self) -> ViT:
        """The backbone, as what it is."""
        return cast(ViT, self.backbone)

    def draw(self, images: Tensor, generator: torch.Generator) -> Mask:
        """(B, 3, H, W) -> which of their patches are hidden."""
        return draw_mask(self.masking, self.vit, images, generator)

    def patchify(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) -> (B, L, 3 p p)."""
        return patchify(images, self.vit.patch_size)

    def rows(self, images: Tensor, hidden: Tensor, painted: Tensor, target: Tensor | None = None) -> dict[str, Tensor]:
        """The rows of `pictures`. painted, target: (B, 3, H, W); target: what should be painted, where that is not the image itself."""
        grid, side = images.shape[-1] // self.vit.patch_size, self.vit.patch_size
        covered = hidden.unflatten(1, (1, grid, grid)).repeat_interleave(side, 2).repeat_interleave(side, 3)
        wanted = images if target is None else target
        rows = {"original": images, "masked": torch.where(covered, 0.5, images)} | ({} if target is None else {"target": target})
        rows |= {"reconstruction": painted, "pasted": torch.where(covered, painted, wanted)}
        return {name: row.clamp(0, 1) for name, row in rows.items()}


class Filler(nn.Module):
    """Hidden patches go through the encoder too, as mask tokens, and a linear layer says what they were (SimMIM, section 3).

    scale: about the spread of the targets. Adam moves all weights at one pace, too coarse for small targets and too slow for large ones.
    """

    def __init__(self, vit: ViT, out: int, scale: float = 1.0) -> None:
        super().__init__()
        self.scale = scale
        self.mask_token = nn.Parameter(torch.zeros(vit.width))
        self.leave = nn.Linear(vit.width, out)

    def forward(self, vit: ViT, images: Tensor, hidden: Tensor) -> Tensor:
        """(B, 3, H, W), hidden (B, L) bool -> what it says of every patch: (B, L, out)."""
        tokens = vit.patches(images)
        masked = (self.mask_token + vit.positions).to(tokens.dtype)
        return self.leave(vit.encode(torch.where(hidden[..., None], masked, tokens))).float() * self.scale


class Decoder(nn.Module):
    """A narrow transformer that says what is at places nobody saw, from tokens of the places that were seen (MAE, section 3)."""

    def __init__(self, vit: ViT, width: int, depth: int, out: int) -> None:
        super().__init__()
        self.enter = nn.Linear(vit.width, width)
        self.mask_token = nn.Parameter(torch.zeros(width))
        self.positions: Tensor
        self.register_buffer("positions", sine_positions(vit.grid, width), persistent=False)
        self.blocks = nn.Sequential(*[Block(width, width // HEAD) for _ in range(depth)], nn.LayerNorm(width))
        self.leave = nn.Linear(width, out)

    def forward(self, seen: Tensor, places: Tensor, wanted: Tensor) -> Tensor:
        """seen (B, V, width of the ViT) at places (B, V), and wanted places (B, W) -> (B, V + W, out), in this order."""
        known = self.enter(seen) + self.positions[places]
        asked = self.mask_token + self.positions[wanted]
        return self.leave(self.blocks(torch.cat([known, asked.to(known.dtype)], 1))).float()


def taken(tokens: Tensor, places: Tensor) -> Tensor:
    """tokens (B, L, D) at places (B, V) -> (B, V, D)."""
    return tokens.gather(1, places[..., None].expand(-1, -1, tokens.shape[-1]))


def placed(tokens: Tensor, order: Tensor) -> Tensor:
    """The inverse for all places at once: tokens (B, L, D) in this order (B, L) -> (B, L, D) in reading order."""
    return torch.empty_like(tokens).scatter(1, order[..., None].expand_as(tokens), tokens)


@in_full_precision
def masked_error(predicted: Tensor, target: Tensor, hidden: Tensor) -> Tensor:
    """Mean squared error over hidden patches. predicted, target: (B, L, n); hidden: (B, L) bool -> scalar."""
    return masked_mean((predicted - target).square().mean(-1), hidden)


def masked_mean(errors: Tensor, hidden: Tensor) -> Tensor:
    """errors: (B, L), one a patch; hidden: (B, L) bool -> their mean over hidden patches."""
    return (errors * hidden).sum() / hidden.sum()


@in_full_precision
def mean_patch_error(target: Tensor) -> Tensor:
    """The squared error of filling in the mean patch everywhere, the best that one patch for all can do. target: (B, L, n) -> scalar."""
    return (target - target.mean((0, 1))).square().mean()
