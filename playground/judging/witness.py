"""The witness: an independent check of the outcome of a run, with other images and other formulas than the judge's.

k-NN accuracy on training images: the first `BANK` are labeled, and their labels predict those of the next `ASKED`; the judge uses
probe images only. Everything in float32, geometry in float64.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from playground.config import RunConfig
from playground.datasets import Images, load_images
from playground.evaluation.probes import knn_predict
from playground.home import home
from playground.knobs import ConfigError
from playground.methods import Method
from playground.metric_names import PROJECTOR, in_layer, metric
from playground.training.trainer import untrained

BANK, ASKED = 3000, 2000
UNTRAINED = metric("knn", "untrained")  # the accuracy at random weights
SURE, IDLE = (
    3,
    1,
)  # standard errors of a difference of two accuracies: SURE or more is significant even among many runs; IDLE or less is chance


def testimony(config: RunConfig, state: dict[str, Any], about: str) -> dict[str, float]:
    """k-NN accuracy on `about` after and before training, and the spread and the dimensions of each layer's features.

    state: the method's weights after the last step. Keys: "knn", "knn/untrained", "asked"; "spread", "dimensions", "projector/..."; and
    for methods with assignments to bins "used", the number of bins, and "undecided", a share of ln K.
    """
    images = load_images(config.data, home() / "data")[0]
    method = untrained(config, images)
    before = _features(method, images)[0]
    method.load_state_dict(state)
    after, projection = _features(method, images)
    found = {"knn": _known(after, images, about), UNTRAINED: _known(before, images, about), "asked": float(len(after) - BANK)}
    found |= geometry(after) | _bins(method, images)
    return found if projection is None else found | {in_layer(PROJECTOR, name): each for name, each in geometry(projection).items()}


def require_witness(config: RunConfig) -> None:
    """Raises ConfigError if the dataset has too few labeled training images."""
    images = load_images(config.data, home() / "data")[0]
    if len(images) <= BANK or not images.factors:
        labeled = len(images) if images.factors else 0
        raise ConfigError("data", f"for --witness a dataset must have more than {BANK:,} labeled training images, got {labeled:,}")


@torch.inference_mode()
def _bins(method: Method, images: Images) -> dict[str, float]:
    """used: the exponential of the entropy of the mean assignment; undecided: the mean entropy of one assignment, of ln K."""
    shares = next(iter(method.assignments(images.pixels[BANK : BANK + ASKED].float() / 255).values()), None)
    if shares is None:
        return {}
    logs, mean = shares.double().clamp(min=1e-30).log(), shares.double().mean(0)
    used = math.exp(-float((mean * mean.clamp(min=1e-30).log()).sum()))
    return {"used": used, "undecided": -float((shares.double() * logs).sum(1).mean()) / math.log(shares.shape[1])}


def geometry(features: Tensor) -> dict[str, float]:
    """spread: the root mean square distance of unit features from their mean, at most 1; dimensions: the participation ratio.

    features: (N, D). (sum l)^2 / sum l^2 of the covariance's eigenvalues l (Gao et al., 2017), instead of the judge's entropy.
    """
    x = features.double()
    z = x / x.norm(dim=1, keepdim=True).clamp(min=1e-30)
    centered = x - x.mean(0)
    gram = centered.T @ centered
    total, squares = float(gram.diagonal().sum()), float(gram.square().sum())
    spread = math.sqrt(max(1 - float(z.mean(0).square().sum()), 0))
    return {"spread": spread, "dimensions": total * total / squares if squares > 0 else 1.0}


def gain_in_errors(witness: dict[str, float]) -> float:
    """The gain of k-NN accuracy over the untrained network, in standard errors of the difference."""
    after, before, count = witness["knn"], witness[UNTRAINED], witness["asked"]
    error = math.sqrt((after * (1 - after) + before * (1 - before)) / count)
    return (after - before) / max(error, 1e-9)


@torch.inference_mode()
def _features(method: Method, images: Images) -> tuple[Tensor, Tensor | None]:
    method.eval()
    chunks = images.pixels[: BANK + ASKED].split(500)
    features = torch.cat([method.embed(chunk.float() / 255) for chunk in chunks])
    return features, method.project(features)


def _known(features: Tensor, images: Images, about: str) -> float:
    labels = images.factors[about][: len(features)]
    return float((knn_predict(features[:BANK], labels[:BANK], features[BANK:]) == labels[BANK:]).float().mean())
