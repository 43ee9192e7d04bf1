"""The events of a training: small dataclasses, in the order in which they occur, and the commands that a training accepts.

Events are the only output of `training.train`: the command line prints them, the worker stores them, the page shows them. Each event
defines how it is stored and sent, so that a new one is added by adding its class.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar

import numpy as np

KINDS: dict[str, type[Event]] = {}
WORDS: dict[str, type[Command]] = {}
RUNNING = {"status": "running", "message": ""}


@dataclass(frozen=True)
class Event:
    """The base of all events. kind: its name in the timeline of a run, "" for events that are stored only in files.

    whole: the field that is the complete body. awaited: the training continues only when the event is on the disk.
    """

    kind: ClassVar[str] = ""
    whole: ClassVar[str] = ""
    awaited: ClassVar[bool] = False
    step: int

    def __init_subclass__(cls) -> None:
        if cls.kind:
            KINDS[cls.kind] = cls

    @property
    def body(self) -> Any:
        """Its JSON content in the timeline: all fields by name except the step, or only the field `whole`."""
        named = {each.name: getattr(self, each.name) for each in fields(self) if each.name != "step"}
        return named[self.whole] if self.whole else named

    def save(self, files: Any) -> None:
        """Writes data that is too large for the timeline; files: the `runs.folder.RunFolder` of the run."""

    @classmethod
    def run_state(cls, body: Any) -> dict[str, Any]:
        """The changes of a run by an event with this body: {"status", "message", "facts"}, or some of them."""
        return {}


@dataclass(frozen=True)
class Started(Event):
    """The first event of a run, or of its continuation. `facts`: device, precision, parameters, reference lines, sizes."""

    kind, whole = "started", "facts"
    facts: dict[str, Any]

    @classmethod
    def run_state(cls, body: Any) -> dict[str, Any]:
        """The run trains."""
        return RUNNING | {"facts": body}


@dataclass(frozen=True)
class Fetching(Event):
    """The progress of a download, in bytes, or of decoding images; `total` is 0 if it is unknown."""

    kind = "fetching"
    what: str
    done: int
    total: int
    unit: str = "bytes"


@dataclass(frozen=True)
class EvalImages(Event):
    """The probe set, sent once: images (N, H, W, 3) uint8, labels[factor] (N,), and the names of the labels."""

    images: np.ndarray = field(repr=False)
    labels: dict[str, np.ndarray] = field(repr=False)
    names: dict[str, list[str]]

    def save(self, files: Any) -> None:
        """Writes labels and images."""
        files.save_probe(self.images, self.labels, self.names)


@dataclass(frozen=True)
class Metrics(Event):
    """Metrics of one step: `loss` at every step, diagnostics such as `knn/shape` at the measured steps."""

    kind, whole = "metrics", "values"
    values: dict[str, float]

    @classmethod
    def run_state(cls, body: Any) -> dict[str, Any]:
        """The run trains, also if it was paused."""
        return RUNNING


@dataclass(frozen=True)
class Baseline(Event):
    """Metrics without any training, measured at step 0: {"random": {"knn/shape": ...}, "pixels": ..., "chance": ..., "trivial": ...}.

    chance: the accuracy of always predicting the most frequent label.
    """

    kind, whole = "baseline", "values"
    values: dict[str, dict[str, float]]


@dataclass(frozen=True)
class Snapshot(Event):
    """Everything captured from the probe set at one step.

    arrays: "embedding" (N, D) float32, "projection" (N, P) float32 if there is a projector, "pca" (N, 2) float32, "spectrum" (D,)
    float32, "spectrum/projector", "similarity/positive" and "similarity/negative" (BINS,), "use/<bins>" (K,); images as uint8:
    "views" (V, K, H, W, 3), "local_views", and
    "original", "masked", "reconstruction", "pasted" (K, H, W, 3) if the method makes them.
    """

    kind = "snapshot"
    arrays: dict[str, np.ndarray] = field(repr=False)

    @property
    def body(self) -> list[str]:
        """The names of the arrays."""
        return list(self.arrays)

    def save(self, files: Any) -> None:
        """Writes all arrays."""
        files.save_snapshot(self.step, self.arrays)


@dataclass(frozen=True)
class Weights(Event):
    """The state dict of the method at a snapshot, in half precision, so that pages can run the network of that step."""

    state: dict[str, Any] = field(repr=False)

    def save(self, files: Any) -> None:
        """Writes the complete state."""
        files.save_weights(self.step, self.state)


@dataclass(frozen=True)
class Change(Event):
    """A live knob was changed: `name` as in the config (`method.temperature`), effective from this step on."""

    kind = "change"
    name: str
    value: Any


@dataclass(frozen=True)
class Verdict(Event):
    """The verdict of the collapse judge at one step; `diagnostics.verdict` lists the states.

    evidence: the values behind it. advice: what to change, or "". layers: the states of "projector" and
    "backbone", if the run has them. checks: every rule with its threshold, {"layer", "what", "value", "side", "limit",
    "speaks", "clears", "says", "met", "holds"}: a check is met if its value is on that side of the limit, "below" or "above"; the state
    `says` holds if all checks of its rule are met. limit is `speaks`, the edge beyond which a value is evidence, or, if the rule held
    before, `clears`, the edge that the value must pass for the rule to end.
    """

    kind = "verdict"
    state: str
    sentence: str
    evidence: dict[str, float]
    advice: str = ""
    layers: dict[str, str] = field(default_factory=dict)
    checks: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Checkpoint(Event):
    """The complete state, from which training continues exactly; written by `torch.save`."""

    awaited = True
    state: dict[str, Any] = field(repr=False)

    def save(self, files: Any) -> None:
        """Writes the complete state."""
        files.save_checkpoint(self.step, self.state)


@dataclass(frozen=True)
class Paused(Event):
    """Training waits after this step, until a `Resume`, `TakeStep`, or `Stop`."""

    kind, awaited = "paused", True

    @classmethod
    def run_state(cls, body: Any) -> dict[str, Any]:
        """The run waits."""
        return {"status": "paused", "message": ""}


@dataclass(frozen=True)
class Finished(Event):
    """The last event. status: finished, stopped or failed (then `message` says why, in one sentence)."""

    kind, awaited = "finished", True
    status: str
    message: str = ""
    facts: dict[str, float] = field(default_factory=dict)

    @classmethod
    def run_state(cls, body: Any) -> dict[str, Any]:
        """The run is over."""
        return {"status": body["status"], "message": body["message"]}


@dataclass(frozen=True)
class Command:
    """The base of all commands. word: its name in messages, and in the store.

    If the run is not being trained, a command with `starts` starts it, and a command with `waits` is kept until then; other commands are
    invalid. ends: the run will be over.
    """

    word: ClassVar[str]
    starts: ClassVar[bool] = False
    waits: ClassVar[bool] = False
    ends: ClassVar[bool] = False

    def __init_subclass__(cls) -> None:
        WORDS[cls.word] = cls

    def checked(self, config: Callable[[], Any]) -> Command:
        """The command in the form that the run accepts. config: gives the current `RunConfig`. Raises ConfigError if it is invalid."""
        return self

    def to_message(self) -> list[Any]:
        """Its form in messages to a worker, in JSON: `["pause"]`, `["set", name, value]`."""
        return [self.word, *(getattr(self, each.name) for each in fields(self))]

    @staticmethod
    def from_message(message: list[Any]) -> Command:
        """The inverse of `to_message`."""
        word, *values = message
        return WORDS[word](*values)


@dataclass(frozen=True)
class Pause(Command):
    """Wait after the current step."""

    word = "pause"


@dataclass(frozen=True)
class Resume(Command):
    """Continue."""

    word, starts = "resume", True


@dataclass(frozen=True)
class TakeStep(Command):
    """Take one step, measure it, and wait again."""

    word, starts, waits = "step", True, True


@dataclass(frozen=True)
class Stop(Command):
    """Measure once more, write a checkpoint, and end."""

    word, ends = "stop", True


@dataclass(frozen=True)
class SetKnob(Command):
    """Change a live knob."""

    word, waits = "set", True
    name: str
    value: Any

    def checked(self, config: Callable[[], Any]) -> SetKnob:
        """The command with the value in the type of the knob."""
        return SetKnob(self.name, config().changed(self.name, self.value).flat()[self.name])
