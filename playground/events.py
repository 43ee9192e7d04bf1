"""What a training says while it goes: small dataclasses, in the order in which they happen.

They are all that leaves `training.train`: the command line prints them, the worker stores them, the page draws them.
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
    """A data set is on its way, in bytes, or its images are being decoded; `total` is 0 where the server does not say."""

    step: int
    what: str
    done: int
    total: int
    unit: str = "bytes"


@dataclass(frozen=True)
class EvalImages:
    """The probe set, once: images (N, H, W, 3) uint8, labels[factor] (N,), and what the labels are called."""

    step: int
    images: np.ndarray = field(repr=False)
    labels: dict[str, np.ndarray] = field(repr=False)
    names: dict[str, list[str]]


@dataclass(frozen=True)
class Metrics:
    """Named numbers of one step: `loss` at every step, diagnostics such as `knn/shape` at the steps that are measured."""

    step: int
    values: dict[str, float]


@dataclass(frozen=True)
class Baseline:
    """What no training at all reaches, measured at step 0: {"random": {"knn/shape": ...}, "pixels": ..., "chance": ..., "trivial": ...}.

    chance: of who always names the commonest label.
    """

    step: int
    values: dict[str, dict[str, float]]


@dataclass(frozen=True)
class Snapshot:
    """Everything captured from the probe set at one step.

    arrays: "embedding" (N, D) float32, "projection" (N, P) likewise where there is a projector, "pca" (N, 2) float32, "spectrum" (D,)
    float32, "spectrum/projector", "similarity/positive" and "similarity/negative" (BINS,), "use/<bins>" (K,); pictures as uint8:
    "views" (V, K, H, W, 3), "local_views", and
    "original", "masked", "reconstruction", "pasted" (K, H, W, 3) where a method makes them.
    """

    step: int
    arrays: dict[str, np.ndarray] = field(repr=False)


@dataclass(frozen=True)
class Weights:
    """The method as it was at a snapshot, its state dict in half precision: to look through the network as it then was."""

    step: int
    state: dict[str, Any] = field(repr=False)


@dataclass(frozen=True)
class Change:
    """A live knob was moved: `name` as in the config (`method.temperature`), in force from this step on."""

    step: int
    name: str
    value: Any


@dataclass(frozen=True)
class Verdict:
    """What the collapse judge says of a run at one step; `diagnostics.verdict` says which states there are.

    evidence: the numbers it rests on. advice: what to change, "" where nothing need be. layers: the state of "projector" and
    "backbone" each, where the run has them. checks: every rule with its threshold, {"layer", "what", "value", "side", "limit",
    "speaks", "clears", "says", "met", "holds"}: a value on that side of the limit, "below" or "above", is met, and speaks for the state
    `says` where it holds: some states need several checks. limit is `speaks`, the edge from which on a value is evidence, or `clears`,
    the one that it must pass to be none, where the rule has spoken before.
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
    """All that is needed to go on exactly from here; `torch.save` keeps it."""

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
    """Wait after the step in hand."""


@dataclass(frozen=True)
class Resume:
    """Go on."""


@dataclass(frozen=True)
class TakeStep:
    """Take one step, measure it, and wait again."""


@dataclass(frozen=True)
class Stop:
    """Measure once more, leave a checkpoint, end."""


@dataclass(frozen=True)
class SetKnob:
    """Move a live knob."""

    name: str
    value: Any


Command = Pause | Resume | TakeStep | Stop | SetKnob
