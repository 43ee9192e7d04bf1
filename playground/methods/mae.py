"""MAE: sees a quarter of the patches and reconstructs the rest."""

from __future__ import annotations

from typing import Literal

from torch import Tensor

from playground.knobs import Choice, knob, option, switch
from playground.methods.base import Config, Reference
from playground.methods.shared.masked import Decoder, Masked, gather_patches, restore_order
from playground.networks import Backbone
from playground.views.masking import Mask


class MAE(Masked):
    """The encoder sees only the visible patches; a small decoder reconstructs the hidden ones from them.

    He et al., 2022, section 3: mean squared error on hidden patches only, over the n values of each patch.
    """

    introduces = "masking"
    name, title = "mae", "MAE"
    summary = "Hides most of an image and reconstructs it: it learns without comparing images."
    paper = "He et al., 2022: Masked Autoencoders Are Scalable Vision Learners"
    link = "https://arxiv.org/abs/2111.06377"
    equation = r"\frac{1}{|M|\, n} \sum_{i \in M} \| \hat{x}_i - x_i \|^2"
    loss_unit = "squared pixel values, of normalized patches if it normalizes them"
    meant_for = (
        "Meant for reconstruction, and for fine-tuning after hours of training: after some minutes, "
        "its k-NN accuracy on photographs is not above that of random weights."
    )
    advice = (
        "Judge it by its reconstructions. With per-patch normalization, "
        "they use the true mean and contrast of each hidden patch, and flat patches become noise."
    )

    class Knobs(Choice.Knobs):
        """The decoder is not used after training, so it may be small."""

        decoder_width: Literal[32, 64, 128, 256] = option(64, "Width of the decoder.")
        decoder_depth: int = knob(2, 1, 8, "Blocks of the decoder.")
        normalize_patches: bool = switch(
            False, "Predict each patch without its mean and contrast. Better features of photographs, but misleading reconstructions."
        )

    def __init__(self, backbone: Backbone, config: Config) -> None:
        super().__init__(backbone, config)
        self.decoder = Decoder(self.vit, self.knobs.decoder_width, self.knobs.decoder_depth, 3 * self.vit.patch_size**2)
        if self.knobs.normalize_patches:
            self.unit = "squared error of normalized pixels"
            self.borrows = "It predicts patches without mean and contrast. For the reconstruction, both are taken from the original."

    def predict(self, images: Tensor, mask: Mask) -> Tensor:
        """(B, 3, H, W) -> (B, L, 3 p p). The encoder sees only what is visible."""
        seen = self.vit.encode(gather_patches(self.vit.patches(images), mask.visible))
        return restore_order(self.decoder(seen, mask.visible, mask.concealed), mask.order)

    def target(self, images: Tensor) -> Tensor:
        """The target of each patch: (B, L, 3 p p), pixels in [0, 1] or normalized by patch."""
        patches = self.patchify(images)
        return normalized(patches)[0] if self.knobs.normalize_patches else patches

    def to_images(self, predicted: Tensor, images: Tensor) -> Tensor:
        """Normalized patches get the true mean and contrast of the patches of the image."""
        if self.knobs.normalize_patches:
            _, mean, spread = normalized(self.patchify(images))
            predicted = predicted * spread + mean
        return super().to_images(predicted, images)

    @classmethod
    def references(cls, config: Config) -> list[Reference]:
        """With normalized patches, predicting 0 costs (n - 1) / n for n values per patch, because the variance is unbiased."""
        if not config.method.normalize_patches:
            return []
        values = 3 * config.network.patch_size**2
        return [Reference("loss", (values - 1) / values, "always predicting the mean of the patch")]


def normalized(patches: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """(B, L, n) -> the patches with mean 0 and variance 1 each, their means and standard deviations (B, L, 1)."""
    mean, spread = patches.mean(-1, keepdim=True), (patches.var(-1, keepdim=True) + 1e-6).sqrt()
    return (patches - mean) / spread, mean, spread
