"""The events of a training: small dataclasses, in the order in which they occur, and the commands that a training accepts.

Events are the only output of `training.train`: the command line prints them, the worker stores them, the page shows them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Started:
    """The first event of a run, or of its continuation. `facts`: device, precision, parameters, reference lines, sizes."""

    step: int
    facts: dict[str, Any]


@dataclass(frozen=True)
class Fetching:
    """The progress of a download, in bytes, or of decoding images; `total` is 0 if it is unknown."""

    step: int
    what: str
    done: int
    total: int
    unit: str = "bytes"


@dataclass(frozen=True)
class EvalImages:
    """The probe set, sent once: images (N, H, W, 3) uint8, labels[factor] (N,), and the names of the labels."""

    step: int
    images: np.ndarray = field(repr=False)
    labels: dict[str, np.ndarray] = field(repr=False)
    names: dict[str, list[str]]


@dataclass(frozen=True)
class Metrics:
    """Metrics of one step: `loss` at every step, diagnostics such as `knn/shape` at the measured steps."""

    step: int
    values: dict[str, float]


@dataclass(frozen=True)
class Baseline:
    """Metrics without any training, measured at step 0: {"random": {"knn/shape": ...}, "pixels": ..., "chance": ..., "trivial": ...}.

    chance: the accuracy of always predicting the most frequent label.
    """

    step: int
    values: dict[str, dict[str, float]]


@dataclass(frozen=True)
class Snapshot:
    """Everything captured from the probe set at one step.

    arrays: "embedding" (N, D) float32, "projection" (N, P) float32 if there is a projector, "pca" (N, 2) float32, "spectrum" (D,)
    float32, "spectrum/projector", "similarity/positive" and "similarity/negative" (BINS,), "use/<bins>" (K,); images as uint8:
    "views" (V, K, H, W, 3), "local_views", and
    "original", "masked", "reconstruction", "pasted" (K, H, W, 3) if the method makes them.
    """

    step: int
    arrays: dict[str, np.ndarray] = field(repr=False)


@dataclass(frozen=True)
class Weights:
    """The state dict of the method at a snapshot, in half precision, so that pages can run the network of that step."""

    step: int
    state: dict[str, Any] = field(repr=False)


@dataclass(frozen=True)
class Change:
    """A live knob was changed: `name` as in the config (`method.temperature`), effective from this step on."""

    step: int
    name: str
    value: Any


@dataclass(frozen=True)
class Verdict:
    """The verdict of the collapse judge at one step; `diagnostics.verdict` lists the states.

    evidence: the values behind it. advice: what to change, or "". layers: the states of "projector" and
    "backbone", if the run has them. checks: every rule with its threshold, {"layer", "what", "value", "side", "limit",
    "speaks", "clears", "says", "met", "holds"}: a check is met if its value is on that side of the limit, "below" or "above"; the state
    `says` holds if all checks of its rule are met. limit is `speaks`, the edge beyond which a value is evidence, or, if the rule held
    before, `clears`, the edge that the value must pass for the rule to end.
    """

    step: int
    state: str
    sentence: str
    evidence: dict[str, float]
    advice: str = ""
    layers: dict[str, str] = field(default_factory=dict)
    checks: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Checkpoint:
    """The complete state, from which training continues exactly; written by `torch.save`."""

    step: int
    state: dict[str, Any] = field(repr=False)


@dataclass(frozen=True)
class Paused:
    """Training waits after this step, until a `Resume`, `TakeStep`, or `Stop`."""

    step: int


@dataclass(frozen=True)
class Finished:
    """The last event. status: finished, stopped or failed (then `message` says why, in one sentence)."""

    step: int
    status: str
    message: str = ""
    facts: dict[str, float] = field(default_factory=dict)


Event = Started | Fetching | EvalImages | Metrics | Baseline | Snapshot | Weights | Change | Verdict | Checkpoint | Paused | Finished


@dataclass(frozen=True)
class Pause:
    """Wait after the current step."""


@dataclass(frozen=True)
class Resume:
    """Continue."""


@dataclass(frozen=True)
class TakeStep:
    """Take one step, measure it, and wait again."""


@dataclass(frozen=True)
class Stop:
    """Measure once more, write a checkpoint, and end."""


@dataclass(frozen=True)
class SetKnob:
    """Change a live knob."""

    name: str
    value: Any


Command = Pause | Resume | TakeStep | Stop | SetKnob
