"""MAE: see a quarter of the patches, paint the rest."""

from __future__ import annotations

from typing import Literal

from torch import Tensor

from playground.knobs import Choice, knob, option, switch
from playground.methods.base import Config, Reference
from playground.methods.shared.masked import Decoder, Masked, placed, taken
from playground.networks import Backbone
from playground.views.masking import Mask


class MAE(Masked):
    """The encoder sees only the visible patches; a small decoder paints the hidden ones from them.

    He et al., 2022, section 3: mean squared error on hidden patches only, over the n values of each patch.
    """

    introduces = "masking"
    name, title = "mae", "MAE"
    summary = "Hides most of an image and paints it back: learns without comparing images at all."
    paper = "He et al., 2022: Masked Autoencoders Are Scalable Vision Learners"
    link = "https://arxiv.org/abs/2111.06377"
    equation = r"\frac{1}{|M|\, n} \sum_{i \in M} \| \hat{x}_i - x_i \|^2"
    loss_unit = "squared pixels, normalized where it normalizes patches"
    meant_for = (
        "Meant for pictures of what is hidden, and for fine-tuning after hours of training: after minutes, "
        "neighbors know no more of a photograph's class than with random weights."
    )
    advice = (
        "Judge it by its pictures. With per-patch normalization, "
        "pictures borrow each hidden patch's true mean and contrast, and flat patches become noise."
    )

    class Knobs(Choice.Knobs):
        """The decoder is thrown away after training, so it may be small."""

        decoder_width: Literal[32, 64, 128, 256] = option(64, "Width of the decoder.")
        decoder_depth: int = knob(2, 1, 8, "Blocks of the decoder.")
        normalize_patches: bool = switch(
            False, "Predict each patch after removing its own mean and contrast. Helps features of photos; makes pictures misleading."
        )

    def __init__(self, backbone: Backbone, config: Config) -> None:
        super().__init__(backbone, config)
        self.decoder = Decoder(self.vit, self.knobs.decoder_width, self.knobs.decoder_depth, 3 * self.vit.patch_size**2)
        if self.knobs.normalize_patches:
            self.unit = "squared error of normalized pixels"
            self.borrows = "It predicts patches without mean and contrast. To paint a hidden one, both are borrowed from the original."

    def predict(self, images: Tensor, mask: Mask) -> Tensor:
        """(B, 3, H, W) -> (B, L, 3 p p). The encoder sees only what is visible."""
        seen = self.vit.encode(taken(self.vit.patches(images), mask.visible))
        return placed(self.decoder(seen, mask.visible, mask.concealed), mask.order)

    def target(self, images: Tensor) -> Tensor:
        """What each patch should be: (B, L, 3 p p), pixels in [0, 1] or normalized by patch."""
        patches = self.patchify(images)
        return normalized(patches)[0] if self.knobs.normalize_patches else patches

    def paint(self, said: Tensor, images: Tensor) -> Tensor:
        """Normalized patches get the true mean and contrast of the image's own."""
        if self.knobs.normalize_patches:
            _, mean, spread = normalized(self.patchify(images))
            said = said * spread + mean
        return super().paint(said, images)

    @classmethod
    def references(cls, config: Config) -> list[Reference]:
        """With normalized patches, saying "zero" costs (n - 1) / n for n values a patch, because the variance is unbiased."""
        if not config.method.normalize_patches:
            return []
        values = 3 * config.network.patch_size**2
        return [Reference("loss", (values - 1) / values, "always predicting the mean of the patch")]


def normalized(patches: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """(B, L, n) -> the patches with mean 0 and variance 1 each, their means and spreads (B, L, 1)."""
    mean, spread = patches.mean(-1, keepdim=True), (patches.var(-1, keepdim=True) + 1e-6).sqrt()
    return (patches - mean) / spread, mean, spread
