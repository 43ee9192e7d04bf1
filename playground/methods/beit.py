"""BEiT: predicts the codes of hidden patches, from a vocabulary that the run has learned first."""

from __future__ import annotations

import math
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from playground.knobs import Choice, knob, option, switch
from playground.methods.base import Batch, Config, Measure, Reference, in_full_precision
from playground.methods.shared.masked import Filled, Filler, Masked, masked_mean, mean_patch_error
from playground.networks import Backbone
from playground.networks.heads import decoder
from playground.views.masking import Mask

DECAY = 0.9  # of the moving averages of the codebook
DEAD = 0.1  # a code is dead if it has less than this part of an equal share of the patches
COMMITMENT = 0.25  # weight of the commitment loss (van den Oord et al., 2017, equation 3)


class BEiT(Masked):
    """First a tokenizer learns to describe every patch by one of K codes; then it is frozen, and the ViT predicts the codes of hidden
    patches.

    Bao et al., 2022, equation 2. Their tokenizer is a discrete VAE that was trained before; this one is a VQ autoencoder with unit codes,
    updated by an exponential moving average as in BEiT v2, and trained on the same images by the first steps of the run.
    """

    name, title = "beit", "BEiT"
    summary = "Learns a vocabulary of patches, then predicts hidden patches as words of this vocabulary, as BERT does with text."
    paper = "Bao et al., 2022: BEiT: BERT Pre-Training of Image Transformers"
    link = "https://arxiv.org/abs/2106.08254"
    equation = r"-\frac{1}{|M|} \sum_{i \in M} \log p(z_i \mid x_{\setminus M})"
    loss_unit = "nats"
    unit = "cross-entropy of the right code, in nats"
    borrows = "Visible patches are decoded from their own codes, and the tokenizer that makes these codes sees one pixel beyond each patch."
    meant_for = (
        "Meant for fine-tuning after hours of training: after some minutes, its k-NN accuracy on photographs "
        "is lower than that of random weights."
    )
    advice = (
        "The run has two phases. During the tokenizer's share of the steps, the loss is the tokenizer's and the backbone does not change. "
        "Then the loss jumps, because it measures something else."
    )
    suggests = Masked.suggests | {"masking.ratio": 0.4, "batch_size": 128, "optimizer.learning_rate": 4e-3}
    measures = {
        "token_accuracy": Measure(
            "Accuracy on hidden codes",
            "above the share of the most frequent code",
            0,
            1,
            formula="share of the hidden patches whose code is predicted",
            unit="share, from 0 to 1",
        ),
        "most_frequent_token": Measure(
            "Share of the most frequent code",
            "the accuracy of always predicting this code",
            0,
            1,
            formula="share of the hidden patches that have the most frequent code",
            unit="share, from 0 to 1",
        ),
        "tokenizer_error": Measure(
            "Reconstruction error of the tokenizer",
            "far below that of the mean patch",
            0,
            formula="mean over pixels of (image decoded from codes - image)^2",
            unit="squared pixel values, pixels from 0 to 1",
        ),
    }

    remedies = {"cluster collapse": {"method.codes": "fewer", "method.tokenizer_share": "a larger"}}

    class Knobs(Choice.Knobs):
        """The tokenizer."""

        tokenizer_share: float = knob(0.2, 0.05, 0.9, "The share of the steps that trains the tokenizer. After that it is frozen.")
        codes: Literal[8, 16, 32, 64, 128, 256, 512, 1024] = option(
            64, "Number of codes. More: finer reconstructions, but harder to predict."
        )
        code_size: Literal[8, 16, 32, 64] = option(16, "Dimensions of a code.")
        revival: bool = switch(True, "Move unused codes to patches with a large error. Without it, most codes may stay unused.")

    def __init__(self, backbone: Backbone, config: Config) -> None:
        super().__init__(backbone, config)
        self.tokenizer = Tokenizer(self.vit.patch_size, self.knobs.codes, self.knobs.code_size)
        self.filler = Filler(self.vit, self.knobs.codes)
        self.first = max(1, min(round(self.knobs.tokenizer_share * config.steps), config.steps - 1))  # steps of the tokenizer
        self.tokenizing = False

    def before_step(self, step: int, images: Tensor, generator: torch.Generator) -> None:
        """Decides what is trained: the tokenizer at first, then everything else."""
        self.tokenizing = step <= self.first
        self.tokenizer.requires_grad_(self.tokenizing)
        for each in (self.backbone, self.filler):
            each.requires_grad_(not self.tokenizing)

    def loss(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """One view -> the tokenizer's loss, or the cross-entropy of hidden codes."""
        images = batch.views[0]
        if self.tokenizing:
            return {"loss": self.tokenizer.loss(images, generator, self.knobs.revival)}
        mask = self.draw(images, generator)
        return {"loss": masked_cross_entropy(self.predict(images, mask), self.target(images), mask.hidden)}

    def predict(self, images: Tensor, mask: Mask) -> Tensor:
        """(B, 3, H, W) -> logits of the codes of every patch: (B, L, K)."""
        return self.filler(self.vit, images, mask.hidden)

    def target(self, images: Tensor) -> Tensor:
        """The codes of all patches: (B, L)."""
        return self.tokenizer(images)

    def fill(self, images: Tensor, mask: Mask) -> Filled:
        """Decoded from codes: the predicted ones for hidden patches, their own for visible ones."""
        logits, tokens = self.predict(images, mask), self.target(images)
        codes = torch.where(mask.hidden, logits.argmax(2), tokens)
        return Filled(self.tokenizer.to_images(codes), token_cross_entropy(logits, tokens), self.tokenizer.to_images(tokens))

    def assignments(self, images: Tensor) -> dict[str, Tensor]:
        """The shares of the codes in each image: (B, K)."""
        return {"codebook": F.one_hot(self.tokenizer(images), self.knobs.codes).float().mean(1)}

    def diagnostics(self, images: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """The accuracy on hidden codes, the accuracy of always predicting the most frequent one, and the tokenizer's reconstruction
        error."""
        mask = self.draw(images, generator)
        logits, tokens, hidden = self.predict(images, mask), self.target(images), mask.hidden
        counts = F.one_hot(tokens[hidden], self.knobs.codes).float().mean(0)
        return {
            "token_accuracy": masked_mean((logits.argmax(2) == tokens).float(), hidden),
            "most_frequent_token": counts.max(),
            "tokenizer_error": F.mse_loss(self.tokenizer.to_images(tokens), images),
        }

    def trivial(self, images: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """The error of predicting the mean patch everywhere. (The share of the most frequent code changes over time, so it is a curve.)"""
        return {"tokenizer_error": mean_patch_error(self.patchify(images))}

    @classmethod
    def references(cls, config: Config) -> list[Reference]:
        """A guess among all codes."""
        codes = config.method.codes
        return [Reference("loss", math.log(codes), f"all codes equally likely: ln {codes}")]


class Tokenizer(nn.Module):
    """A small VQ autoencoder: an image -> one of K codes for each patch, and back. Codes are unit vectors."""

    def __init__(self, patch: int, codes: int, size: int) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(3, 32, 3, padding=1), nn.GELU(), nn.Conv2d(32, 64, patch, stride=patch), nn.GELU(), nn.Conv2d(64, size, 1)
        )
        self.decoder = nn.Sequential(nn.Conv2d(size, 64, 1), *decoder(64, patch))
        self.codes: Tensor
        self.counts: Tensor
        self.register_buffer("codes", F.normalize(torch.randn(codes, size), dim=1))
        self.register_buffer("counts", torch.zeros(codes))  # moving average of the share of patches that each code has

    def encode(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """(B, 3, H, W) -> unit vectors (B, L, D) and the nearest codes (B, L)."""
        z = F.normalize(self.encoder(images * 2 - 1).float().flatten(2).transpose(1, 2), dim=2)
        return z, nearest(z, self.codes)

    @torch.no_grad()
    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) -> codes (B, L), without gradient."""
        return self.encode(images)[1]

    def to_images(self, tokens: Tensor) -> Tensor:
        """Codes (B, L) -> (B, 3, H, W)."""
        return self._decode(self.codes[tokens])

    def _decode(self, vectors: Tensor) -> Tensor:
        maps = vectors.transpose(1, 2).unflatten(2, (math.isqrt(vectors.shape[1]), -1))
        return self.decoder(maps).float()

    def loss(self, images: Tensor, generator: torch.Generator, revival: bool) -> Tensor:
        """Reconstruction error through the codes, with a straight-through gradient to the encoder, and the commitment loss."""
        z, tokens = self.encode(images)
        chosen = self.codes[tokens]
        error = F.mse_loss(self._decode(z + (chosen - z).detach()), images) + COMMITMENT * F.mse_loss(z, chosen)
        self.update_codes(z.detach().flatten(0, 1), tokens.flatten(), generator, revival)
        return error

    @torch.no_grad()
    def update_codes(self, z: Tensor, tokens: Tensor, generator: torch.Generator, revival: bool) -> None:
        """Codes move toward the mean of the patches they describe. z: (N, D), tokens: (N,).

        A dead code is reset to a patch that is drawn with probability proportional to its squared error (as in k-means++).
        """
        member = F.one_hot(tokens, len(self.codes)).to(z.dtype)
        shares = member.mean(0)
        mass = DECAY * self.counts[:, None] * self.codes + (1 - DECAY) * (member.T @ z) / len(z)
        codes, counts = (
            F.normalize(torch.where(mass.norm(dim=1, keepdim=True) > 0, mass, self.codes), dim=1),
            self.counts.lerp(shares, 1 - DECAY),
        )
        if revival:
            error = (z - self.codes[tokens]).square().sum(1)
            clocks = -torch.rand(len(z), generator=generator, device=generator.device).log()
            worst = (error / clocks).topk(min(len(codes), len(z))).indices
            fresh = z[worst[torch.arange(len(codes), device=z.device) % len(worst)]]
            dead = counts < DEAD / len(codes)
            codes, counts = torch.where(dead[:, None], fresh, codes), torch.where(dead, 1 / len(codes), counts)
        self.codes.copy_(codes)
        self.counts.copy_(counts)


@in_full_precision
def nearest(z: Tensor, codes: Tensor) -> Tensor:
    """The code closest to each unit vector. z: (B, L, D), codes: (K, D) -> (B, L)."""
    return (z @ codes.T).argmax(2)


@in_full_precision
def token_cross_entropy(logits: Tensor, tokens: Tensor) -> Tensor:
    """-log p of the right code of each patch, in nats. logits: (B, L, K); tokens: (B, L) -> (B, L)."""
    return F.cross_entropy(logits.transpose(1, 2), tokens, reduction="none")


def masked_cross_entropy(logits: Tensor, tokens: Tensor, hidden: Tensor) -> Tensor:
    """Equation 2. logits: (B, L, K); tokens: (B, L); hidden: (B, L) bool -> the mean over hidden patches."""
    return masked_mean(token_cross_entropy(logits, tokens), hidden)
