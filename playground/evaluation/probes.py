"""Probes on frozen features: logistic regression with a chosen regularization, and k-NN."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from playground.diagnostics.geometry import unit
from playground.diagnostics.probes import NEIGHBORS, TEMPERATURE
from playground.evaluation.subsets import held_out

if TYPE_CHECKING:
    from sklearn.linear_model import LogisticRegression  # takes seconds and 80 MB: imported only when a model is fitted

STRENGTHS = tuple(
    float(each) for each in np.logspace(1, -6, 15)
)  # of the L2 penalty, strong to weak: each fit starts from the previous one
USUAL = 1e-2  # if there are too few labels for a choice
WORSE = 3  # the search ends after this many worse penalties in a row
ITERATIONS = 200
SURE = 1e-12  # the smallest probability in a logarithm
CHUNK = 1024


@dataclass(frozen=True)
class LinearProbe:
    """A fitted logistic regression on standardized features. strength: the chosen L2 penalty, relative to the mean loss."""

    mean: Tensor
    scale: Tensor
    model: LogisticRegression
    strength: float

    def predict(self, features: Tensor) -> Tensor:
        """(N, D) -> (N,) labels."""
        return torch.from_numpy(self.model.predict(self._standard(features)))

    def _standard(self, features: Tensor) -> np.ndarray:
        return ((features - self.mean) / self.scale).numpy()


def linear_probe(features: Tensor, labels: Tensor, seed: int = 0) -> LinearProbe:
    """Full-batch multinomial logistic regression by L-BFGS; its L2 penalty is the best of a logarithmic grid on a fifth of the labels.

    Then it is fitted again on all of them (Kornblith et al., 2019, appendix A.4). features: (N, D) float32, labels: (N,).
    """
    chooses = held_out(labels, seed)
    strength = USUAL
    if chooses.any():
        strength = chosen_strength(features[~chooses], labels[~chooses], features[chooses], labels[chooses])
    return _fitted(features, labels, strength)


def chosen_strength(features: Tensor, labels: Tensor, others: Tensor, truth: Tensor) -> float:
    """The penalty with the highest accuracy on `others`; among equal ones the one with the lowest loss.

    From strong to weak: the search ends after several penalties in a row that are worse than the best.
    """
    from sklearn.linear_model import LogisticRegression

    mean, scale = _standardizing(features)
    x, y, z = ((features - mean) / scale).numpy(), labels.numpy(), ((others - mean) / scale).numpy()
    model = LogisticRegression(max_iter=ITERATIONS, warm_start=True)
    found = []
    for strength in STRENGTHS:
        model.set_params(C=1 / (strength * len(x)))
        _fit(model, x, y)
        odds = model.predict_proba(z)[np.arange(len(z)), np.searchsorted(model.classes_, truth.numpy())]
        found.append((float((model.predict(z) == truth.numpy()).mean()), float(np.log(odds.clip(SURE)).mean()), strength))
        if found.index(max(found)) < len(found) - WORSE:
            break
    return max(found)[2]


def _fitted(features: Tensor, labels: Tensor, strength: float) -> LinearProbe:
    from sklearn.linear_model import LogisticRegression

    mean, scale = _standardizing(features)
    model = LogisticRegression(C=1 / (strength * len(features)), max_iter=2 * ITERATIONS)
    _fit(model, ((features - mean) / scale).numpy(), labels.numpy())
    return LinearProbe(mean, scale, model, strength)


def _fit(model: LogisticRegression, x: np.ndarray, y: np.ndarray) -> None:
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        # With few labels and almost no penalty the fit does not converge; such a penalty is in the grid but rarely chosen.
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.filterwarnings("ignore", "The number of unique classes is greater than 50%")  # many classes are intended
        model.fit(x, y)


def _standardizing(features: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of each feature; 1 for a constant feature."""
    deviation = features.std(0, correction=0)
    return features.mean(0), torch.where(deviation > 1e-8, deviation, torch.ones(()))


def knn_predict(features: Tensor, labels: Tensor, others: Tensor) -> Tensor:
    """Labels of `others` by a vote of the 20 nearest labeled images, weighted exp(cos / 0.07) (Wu et al., 2018, section 3.4).

    features: (N, D), labels: (N,), others: (M, D) -> (M,).
    """
    known, classes = unit(features), int(labels.max()) + 1
    guesses = []
    for part in unit(others).split(CHUNK):
        cosine, rows = (part @ known.T).topk(min(NEIGHBORS, len(known)))
        ballots = F.one_hot(labels[rows], classes) * ((cosine - 1) / TEMPERATURE).exp()[..., None]
        guesses.append(ballots.sum(1).argmax(1))
    return torch.cat(guesses)


def confusion(truth: Tensor, guesses: Tensor, classes: int) -> Tensor:
    """The confusion matrix, true classes in rows and predictions in columns: (N,), (N,) -> (classes, classes) counts."""
    return (truth * classes + guesses).bincount(minlength=classes**2).reshape(classes, classes)
