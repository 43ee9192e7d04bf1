"""I-JEPA: predicts a teacher's features of hidden blocks instead of their pixels."""

from __future__ import annotations

import copy
import math
from typing import Literal, cast

import torch
import torch.nn.functional as F
from torch import Tensor

from playground.knobs import Choice, ConfigError, knob, option, safeguard
from playground.methods.base import Batch, Config, Measure, Method, Reference, in_full_precision
from playground.methods.shared.masked import Decoder, gather_patches
from playground.networks import Backbone, ViT
from playground.views.masking import inside

STRETCH_MIN, STRETCH_MAX = 0.75, 1.5  # height over width of a target block (appendix A.1)
CONTEXT_MIN = 0.85  # the least share of the image that a context block covers before targets are cut out


class IJEPA(Method):
    """From a context block, predicts the teacher's features of several target blocks; the teacher, a moving average, sees the whole image.

    Assran et al., 2023, section 3. As in the authors' code: smooth L1 instead of squared error, averaged over all M blocks, T
    patches and D dimensions, and targets normalized to mean 0 and variance 1.
    """

    name, title, family = "ijepa", "I-JEPA", "hybrid"
    summary = "Predicts features of hidden blocks instead of pixels: it needs no pixel decoder and no hand-made augmentations."
    paper = "Assran et al., 2023: Self-Supervised Learning from Images with a Joint-Embedding Predictive Architecture"
    link = "https://arxiv.org/abs/2301.08243"
    equation = r"\frac{1}{M T D} \sum_{i=1}^{M} \sum_{j \in B_i} \sum_{d=1}^{D} \mathrm{smooth}_{L1}(\hat{s}_{jd} - s_{jd})"
    loss_unit = "smooth L1 distance of normalized features"
    meant_for = (
        "Meant for long training of large networks: after some minutes, its k-NN accuracy on photographs is not above that of random "
        "weights."
    )
    advice = "It uses one view and does not change colors, so it does not learn to ignore color."
    views, accepts = 1, frozenset({"vit"})
    cannot_reconstruct = "it predicts features of hidden blocks and has no pixel decoder"
    suggests = {
        "network": "vit-tiny",
        "augment.crop_scale_min": 0.3,
        "augment.flip_probability": 0.0,
        "augment.jitter_probability": 0.0,
        "augment.grayscale_probability": 0.0,
        "optimizer.learning_rate": 1e-3,
        "batch_size": 128,
        "steps": 300,
    }
    measures = {
        "explained": Measure(
            "Explained share of the targets",
            "above 0; knowing only the position of a patch gives 0",
            None,
            1,
            formula="1 - (squared error of the prediction) / (squared error of the mean target at each position)",
            unit="share, at most 1",
        )
    }

    remedies = {
        "complete collapse": {"method.momentum": "a higher"},
        "dimensional collapse": {"method.momentum": "a higher"},
    }

    class Knobs(Choice.Knobs):
        """The blocks, the predictor and the teacher."""

        targets: int = knob(4, 1, 4, "How many blocks are predicted. The context is made of patches that none of them covers.")
        target_share: float = knob(0.15, 0.05, 0.24, "The share of the image that each of these blocks covers.")
        momentum: float = knob(
            0.996, 0, 1, "How much of the teacher is kept at each step; below 0.99 only few dimensions of the features are used.", live=True
        )
        predictor_width: Literal[32, 64, 128, 256] = option(64, "Width of the predictor.")
        predictor_depth: int = knob(2, 1, 8, "Blocks of the predictor.")
        stop_gradient: bool = safeguard("Pass no gradient to the teacher.", without="complete collapse")
        moving_average: bool = safeguard("Let the teacher follow slowly, instead of being the student.", without="dimensional collapse")

    @classmethod
    def check(cls, config: Config) -> None:
        """At least one patch must be left as context."""
        patches, many = (config.data.image_size // config.network.patch_size) ** 2, config.method.targets
        if many >= patches:
            raise ConfigError("method.targets", f"ijepa: targets must be fewer than the image's {patches} patches, got {many}")

    def __init__(self, backbone: Backbone, config: Config) -> None:
        super().__init__(backbone, config)
        self.predictor = Decoder(self._vit, self.knobs.predictor_width, self.knobs.predictor_depth, self._vit.width)
        self.teacher = copy.deepcopy(self._vit).requires_grad_(False)

    @property
    def _vit(self) -> ViT:
        """The backbone, typed as a ViT."""
        return cast(ViT, self.backbone)

    def loss(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """One view -> the error over all blocks."""
        predicted, target, _ = self._predict(batch.views[0], generator)
        return {"loss": F.smooth_l1_loss(predicted, target)}

    def _predict(self, images: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """(B, 3, H, W) -> predictions and targets, both (B, M T, D), and the positions of the targets (B, M T)."""
        vit, many = self._vit, self.knobs.targets
        size = min(max(round(self.knobs.target_share * vit.grid**2), 1), (vit.grid**2 - 1) // many)  # leaves at least one patch as context
        blocks = target_places(len(images), many, size, vit.grid, generator)
        context = context_places(blocks, vit.grid, generator)
        tokens = vit.patches(images)
        seen = vit.encode(gather_patches(tokens, context))
        repeated = (each.repeat_interleave(many, 0) for each in (seen, context))
        predicted = self.predictor(*repeated, blocks.flatten(0, 1))[:, context.shape[1] :]
        places = blocks.flatten(1)
        return predicted.reshape(*places.shape, -1), gather_patches(self._targets(images, tokens), places), places

    def _targets(self, images: Tensor, tokens: Tensor) -> Tensor:
        """The teacher's features of every patch of the whole image: (B, L, D). tokens: the student's patch embeddings (B, L, D)."""
        knobs = self.knobs
        with torch.set_grad_enabled(torch.is_grad_enabled() and not knobs.stop_gradient):
            if not knobs.moving_average:
                target = self._vit.encode(tokens)
            else:
                target = self.teacher.encode(self.teacher.patches(images))
                if not knobs.stop_gradient:
                    own = self._vit.encode(tokens)
                    target = target + own - own.detach()  # the teacher's value, with the student's gradient
        return without_scale(target)

    def after_step(self, progress: float) -> None:
        """The teacher follows the student, more and more slowly; at the end of the run it does not move."""
        kept = 1 - (1 - self.knobs.momentum) * (1 - progress)
        with torch.no_grad():
            torch._foreach_lerp_(list(self.teacher.parameters()), list(self.backbone.parameters()), 1 - kept)

    @property
    def encoder(self) -> Backbone:
        """The teacher, the only network that has seen whole images (appendix A.1)."""
        return self.teacher if self.knobs.moving_average else self.backbone

    def embed(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) -> (B, D), by the teacher."""
        return self.encoder(images)

    def diagnostics(self, images: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """`explained`: 1 - squared error / squared error of the mean target at each position, so that knowing only the position gives 0."""
        predicted, target, places = self._predict(images, generator)
        means = self._targets(images, self._vit.patches(images)).mean(0, keepdim=True)
        mean = gather_patches(means.expand(len(images), -1, -1), places)
        return {"explained": 1 - F.mse_loss(predicted, target) / F.mse_loss(mean, target).clamp(min=1e-8)}

    def trivial(self, images: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """Predicting the mean target at each position."""
        return {"explained": torch.zeros(())}

    @classmethod
    def references(cls, config: Config) -> list[Reference]:
        """The loss of a collapsed network."""
        return [Reference("loss", 0.0, "constant targets: a collapsed network has the lowest loss", best=True)]


@in_full_precision
def without_scale(features: Tensor) -> Tensor:
    """Each vector with mean 0 and variance 1: (..., D) -> (..., D)."""
    return F.layer_norm(features, features.shape[-1:])


def target_places(batch: int, count: int, size: int, grid: int, generator: torch.Generator) -> Tensor:
    """`count` blocks of exactly `size` patches on each image, of random shape and position: (B, count, size) indices of patches.

    Each block is a rectangle of at least `size` patches, without its last few if it has more. So any size fits any grid at the first
    draw; drawing rectangles again until enough patches are left, as the authors do, may never end on a small grid.
    """
    stretch, down, across, turn = torch.rand(4, batch, count, generator=generator, device=generator.device)
    stretch = STRETCH_MIN * (math.log(STRETCH_MAX / STRETCH_MIN) * stretch).exp()
    height = (size * stretch).sqrt().round().clamp(math.ceil(size / grid), min(size, grid))
    width = (size / height).ceil()
    box = (inside(down, height, grid)[..., None] & inside(across, width, grid)[..., None, :]).flatten(-2)
    reading = torch.arange(grid**2, device=generator.device)
    order = torch.where(turn[..., None] < 0.5, reading, reading.flip(0))  # leave out the last few, or the first
    return torch.where(box, order, order + grid**2).argsort(-1)[..., :size]


def context_places(targets: Tensor, grid: int, generator: torch.Generator) -> Tensor:
    """L - M T patches outside of all targets, those inside one large block first: (B, L - M T) indices. targets: (B, M, T)."""
    batch, covered = len(targets), targets.flatten(1)
    scale, down, across = torch.rand(3, batch, generator=generator, device=generator.device)
    side = (grid * (CONTEXT_MIN + (1 - CONTEXT_MIN) * scale).sqrt()).round()
    block = (inside(down, side, grid)[..., None] & inside(across, side, grid)[..., None, :]).flatten(-2)
    chance = torch.rand(batch, grid**2, generator=generator, device=generator.device)
    later = (chance + ~block).scatter(1, covered, 3.0)
    return later.argsort(1)[:, : grid**2 - covered.shape[1]]
