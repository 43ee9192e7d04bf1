"""MAE: see a quarter of the patches, paint the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor

from playground.knobs import Choice, knob, option, switch
from playground.methods.base import Batch, Reference
from playground.methods.masked import Decoder, Masked, masked_error, mean_patch_error, placed, taken
from playground.networks import Backbone, unpatchify

if TYPE_CHECKING:
    from playground.config import RunConfig


class MAE(Masked):
    """The encoder sees only the visible patches; a small decoder paints the hidden ones from them.

    He et al., 2022, section 3: mean squared error on hidden patches only.
    """

    name, title = "mae", "MAE"
    summary = "Hides most of an image and paints it back: learns without comparing images at all."
    paper = "He et al., 2022: Masked Autoencoders Are Scalable Vision Learners"
    link = "https://arxiv.org/abs/2111.06377"
    equation = r"\frac{1}{|M|} \sum_{i \in M} \| \hat{x}_i - x_i \|^2"
    advice = (
        "Judge it by its pictures: in minutes, masked methods score near the untrained network on k-NN. With per-patch normalization, "
        "pictures borrow each hidden patch's true mean and contrast, and flat patches become noise."
    )

    class Knobs(Choice.Knobs):
        """The decoder is thrown away after training, so it may be small."""

        decoder_width: Literal[32, 64, 128, 256] = option(64, "Width of the decoder.")
        decoder_depth: int = knob(2, 1, 8, "Blocks of the decoder.")
        normalize_patches: bool = switch(
            False, "Predict each patch after removing its own mean and contrast. Helps features of photos; makes pictures misleading."
        )

    def __init__(self, backbone: Backbone, config: RunConfig) -> None:
        super().__init__(backbone, config)
        self.decoder = Decoder(self.vit, self.knobs.decoder_width, self.knobs.decoder_depth, 3 * self.vit.patch_size**2)

    def loss(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """One view -> the error on hidden patches."""
        predicted, hidden = self._paint(batch.views[0], generator)
        return {"loss": masked_error(predicted, self._target(batch.views[0]), hidden)}

    def _paint(self, images: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """(B, 3, H, W) -> predicted patches (B, L, 3 p p) and which were hidden (B, L)."""
        mask = self.draw(images, generator)
        seen = self.vit.encode(taken(self.vit.patches(images), mask.visible))
        return placed(self.decoder(seen, mask.visible, mask.concealed), mask.order), mask.hidden

    def _target(self, images: Tensor) -> Tensor:
        """What each patch should be: (B, L, 3 p p), pixels in [0, 1] or normalized by patch."""
        patches = self.patchify(images)
        return normalized(patches)[0] if self.knobs.normalize_patches else patches

    def diagnostics(self, images: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """`reconstruction`: the masked error on probe images."""
        predicted, hidden = self._paint(images, generator)
        return {"reconstruction": masked_error(predicted, self._target(images), hidden)}

    def trivial(self, images: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """The error of painting every hidden patch as the mean of all patches."""
        return {"reconstruction": mean_patch_error(self._target(images))}

    def pictures(self, images: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """original · masked · reconstruction · reconstruction with the visible patches pasted in."""
        predicted, hidden = self._paint(images, generator)
        if self.knobs.normalize_patches:
            _, mean, spread = normalized(self.patchify(images))
            predicted = predicted * spread + mean
        return self.rows(images, hidden, unpatchify(predicted, self.vit.patch_size, images.shape[-1]))

    @classmethod
    def references(cls, config: RunConfig) -> list[Reference]:
        """With normalized patches, saying "zero" costs (n - 1) / n for n values a patch, because the variance is unbiased."""
        if not config.method.normalize_patches:
            return []
        values = 3 * config.network.patch_size**2
        return [Reference("loss", (values - 1) / values, "always predicting the mean of the patch")]


def normalized(patches: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """(B, L, n) -> the patches with mean 0 and variance 1 each, their means and spreads (B, L, 1)."""
    mean, spread = patches.mean(-1, keepdim=True), (patches.var(-1, keepdim=True) + 1e-6).sqrt()
    return (patches - mean) / spread, mean, spread
