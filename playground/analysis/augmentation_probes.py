"""The information that augmentation leaves: accuracies of probes on views, and the invariance of an encoder to each operator.

probe_accuracies  per factor, from pixels and from an untrained network: on views and on originals, and chance
invariance        per operator, with increasing strength: the similarity of the embeddings

Both are measured on a dataset's probe images, by the training's own code, on the CPU.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from playground.config import RunConfig
from playground.datasets import Images
from playground.diagnostics.geometry import unit
from playground.diagnostics.labels import chance, too_few
from playground.diagnostics.probes import knn_accuracy, linear_accuracy
from playground.methods import Method
from playground.randomness import seeded_generator
from playground.training.trainer import untrained
from playground.views.augment import Augment, Draw, apply, augment, draw, neutral

PROBED = 1024  # probe images, at most, whose factors are probed
MOVED = 256  # probe images, at most, that are changed by each operator at each strength
CHUNK = 256  # images embedded at once
ON = (0.0, 1.0)  # strengths of operators that are either on or off

Encoder = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class ProbeAccuracies:
    """The accuracies for one factor: values["pixels" or "untrained"]["knn" or "linear"]["views" or "originals"].

    chance: the accuracy of always predicting the most frequent label.
    """

    factor: str
    classes: int
    chance: float
    values: dict[str, dict[str, dict[str, float]]]


def probe_accuracies(config: RunConfig, train: Images, probe: Images) -> list[ProbeAccuracies]:
    """The accuracy for each factor from one view of every image, by probes trained on views, and the same for originals.

    Probes: `knn_accuracy` and `linear_accuracy` of the diagnostics.
    train: for the batch normalization statistics of the untrained network, as in a training. Factors with too few labels are left out.
    """
    probe = probe[:PROBED]
    # Only factors for which all images have a label.
    factors = {name: each for name, each in probe.factors.items() if len(each) and int(each.min()) >= 0 and not too_few(each)}
    if not factors:
        return []
    generator = seeded_generator(config.seed, "survival", 0)
    pictures = {"views": augment(probe.pixels, config.augment, generator), "originals": probe.pixels.float() / 255}
    encoders: dict[str, Encoder] = {"pixels": lambda images: images.flatten(1) - 0.5, "untrained": frozen_encoder(untrained(config, train))}
    accuracies = {
        who: {what: _accuracies(embedded(encode, each), factors) for what, each in pictures.items()} for who, encode in encoders.items()
    }
    return [_of_factor(name, each, accuracies) for name, each in factors.items()]


def _of_factor(name: str, labels: Tensor, accuracies: dict[str, dict[str, dict[str, dict[str, float]]]]) -> ProbeAccuracies:
    """accuracies[encoder][images][probe][factor] -> those of one factor, by encoder, probe and images."""
    values = {
        who: {probe: {what: each[what][probe][name] for what in each} for probe in ("knn", "linear")} for who, each in accuracies.items()
    }
    return ProbeAccuracies(name, len(labels.unique()), chance(labels), values)


def _accuracies(features: Tensor, factors: dict[str, Tensor]) -> dict[str, dict[str, float]]:
    knn = knn_accuracy(features, factors)
    return {"knn": {name: float(each) for name, each in knn.items()}, "linear": linear_accuracy(features, factors)}


@dataclass(frozen=True)
class StrengthSweep:
    """One operator with increasing strength. draw: (strength, neutral draw, generator) -> the draw with this strength."""

    title: str
    strengths: tuple[float, ...]
    draw: Callable[[float, Draw, torch.Generator], Draw]


def _cropped(share: float, neutral_draw: Draw, generator: torch.Generator) -> Draw:
    """Crops with exactly this share of the image, with random positions and aspect ratios as in training."""
    height, width = (int(each) for each in neutral_draw.boxes[0, 2:])
    return replace(neutral_draw, boxes=draw(Augment(), len(neutral_draw.boxes), height, width, generator, (share, share)).boxes)


def _both_ways(field: str, around: float) -> Callable[[float, Draw, torch.Generator], Draw]:
    """The same distance up for half of the images and down for the others."""

    def drawn(strength: float, neutral_draw: Draw, generator: torch.Generator) -> Draw:
        up = torch.rand(len(neutral_draw.flips), generator=generator) < 0.5
        return replace(neutral_draw, **{field: around + strength * torch.where(up, 1.0, -1.0)})

    return drawn


def _filled(field: str) -> Callable[[float, Draw, torch.Generator], Draw]:
    return lambda strength, unchanged, _: replace(unchanged, **{field: torch.full_like(getattr(unchanged, field), strength)})


STRENGTHS = (0.0, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0)  # of brightness, contrast, and saturation, in the units of their knobs
STRENGTH_SWEEPS = {
    "crop": StrengthSweep("share of the image kept", (1.0, 0.8, 0.6, 0.4, 0.2, 0.1), _cropped),
    "flip": StrengthSweep("mirrored", ON, _filled("flips")),
    "brightness": StrengthSweep("brightness ±", STRENGTHS, _both_ways("brightness", 1)),
    "contrast": StrengthSweep("contrast ±", STRENGTHS, _both_ways("contrast", 1)),
    "saturation": StrengthSweep("saturation ±", STRENGTHS, _both_ways("saturation", 1)),
    "hue": StrengthSweep("hue ± turns of the color wheel", (0.0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5), _both_ways("hue", 0)),
    "grayscale": StrengthSweep("in gray", ON, _filled("grayscale")),
    "blur": StrengthSweep("blur, sigma in pixels", (0.0, 0.5, 1.0, 1.5, 2.0), _filled("sigmas")),
    "solarize": StrengthSweep("solarized", ON, _filled("solarized")),
}


def invariance(method: Method, probe: Images, seed: int = 0) -> dict[str, list[float]]:
    """The similarity of the embeddings of an image before and after one operator: operator -> mean cosine at each of its strengths.

    The mean embedding of the originals is subtracted before the cosine. Otherwise a random network, whose embeddings have a large
    common part, would seem invariant to everything.
    """
    pixels = probe.pixels[:MOVED]
    unchanged, encode = neutral(len(pixels), *pixels.shape[2:]), frozen_encoder(method)
    originals = embedded(encode, apply(pixels, unchanged, ()))
    center = originals.mean(0)

    def similarity(name: str, strength: float) -> float:
        parameters = STRENGTH_SWEEPS[name].draw(strength, unchanged, seeded_generator(seed, name, 0))
        moved = embedded(encode, apply(pixels, parameters, (name,)))
        return float((unit(moved - center) * unit(originals - center)).sum(1).mean())

    return {name: [similarity(name, strength) for strength in sweep.strengths] for name, sweep in STRENGTH_SWEEPS.items()}


def frozen_encoder(method: Method) -> Encoder:
    """The embedding of a method in evaluation mode, (B, 3, H, W) -> (B, D)."""
    return method.eval().embed


def embedded(encode: Encoder, images: Tensor) -> Tensor:
    """(N, 3, H, W) in [0, 1] -> (N, D) float32, in chunks and without gradients."""
    with torch.inference_mode():
        return torch.cat([encode(part).float() for part in images.split(CHUNK)])
