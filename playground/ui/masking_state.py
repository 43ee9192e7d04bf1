"""What the Masking page looks at: an image, a mask, one or two runs. All of it is in the address, under keys that begin with `mask.`."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from playground.config import CHOICES, RunConfig
from playground.runs.pool import shared_pool
from playground.runs.records import Run, UnknownRun
from playground.runs.status import OVER, STARTED
from playground.ui.controls import settings
from playground.ui.settings import BEHIND, Problem
from playground.views.masking import Masking
from playground.web.masks import checked_masking, masked_run, not_the_same
from playground.web.numbers import whole_number

PREFIX = "mask."
STATE = "looked at"  # where the session keeps it
LISTED = 300  # the newest runs; of these, those that fill in can be chosen
FROM_RUN = {"strategy": "masking.strategy", "ratio": "masking.ratio", "patch_size": "network.patch_size"}


@dataclass
class MaskingState:
    """run, other: ids of runs, or None. drawn: a mask drawn by hand as hexadecimal bits, "" for that of strategy, ratio and seed.

    left: the seed that was given up last, and when.
    """

    run: str | None = None
    other: str | None = None
    image: int = 0
    strategy: str = "random"
    ratio: float = 0.75
    patch_size: int = 4
    seed: int = 0
    drawn: str = ""
    problems: dict[str, Problem] = field(default_factory=dict)
    left: tuple[int, float] = (-1, 0.0)

    def address(self) -> dict[str, str]:
        """Its part of the address; a value that was refused stays as it came."""
        values = {name: value for name, value in vars(self).items() if name not in ("problems", "left") and value not in (None, "")}
        values |= {name: each.value for name, each in self.problems.items()}
        return {f"{PREFIX}{name}": str(value) for name, value in values.items()}

    @property
    def masking(self) -> Masking:
        """Ratio and strategy, as methods take them."""
        return checked_masking({"strategy": self.strategy, "ratio": self.ratio})

    @property
    def origin(self) -> str:
        """What the mask of strategy and seed depends on: where it changes, a mask drawn before is over."""
        guided = [self.run, self.image] if self.strategy == "attention" else []
        return "/".join(map(str, [self.patch_size, self.strategy, self.ratio, self.seed, *guided]))

    def another(self) -> None:
        """The mask of the next seed."""
        self.left, self.seed, self.drawn = (self.seed, time.monotonic()), self.seed + 1, ""
        self.problems.pop("drawn", None)

    def set(self, name: str, value: Any) -> None:
        """A value from the address, or from a control; one that cannot be is kept beside its sentence."""
        if name == "seed" and value == self.left[0] and time.monotonic() - self.left[1] < BEHIND:
            return  # said by a browser that has not heard of the new one yet
        self.problems.pop(name, None)
        try:
            setattr(self, name, CHECKS[name](value))
        except (ValueError, UnknownRun) as error:
            self.problems[name] = Problem(str(error), str(value))

    def as_trained(self, keep: Collection[str] = ()) -> None:
        """Masks as the run had them, but for what is to be kept; its patches are what they are."""
        if self.run:
            flat = at_last(self.run)
            for name, key in FROM_RUN.items():
                if name == "patch_size" or name not in keep:
                    setattr(self, name, flat[key])


def _fitting(run: str | None) -> str | None:
    """A run that fills in. Raises UnknownRun and ValueError."""
    return masked_run(shared_pool().store, run)[0].run if run else None


CHECKS: dict[str, Callable[[Any], Any]] = {
    "run": _fitting,
    "other": _fitting,
    "image": lambda value: whole_number("image", str(value)),
    "strategy": lambda value: checked_masking({"strategy": value}).strategy,
    "ratio": lambda value: checked_masking({"ratio": value}).ratio,
    "patch_size": lambda value: whole_number("patch_size", str(value)),
    "seed": lambda value: RunConfig(seed=value).seed,
    "drawn": str,
}


def state() -> MaskingState:
    """What this session looks at; at its start, what the address says. What that leaves out is as the run was trained."""
    if STATE not in st.session_state:
        st.session_state[STATE] = read(st.query_params.to_dict(), [each.id for each in masked_runs() if _same_data(each)])
    kept: MaskingState = st.session_state[STATE]
    return kept


def _same_data(run: Run) -> bool:
    """Whether a run has learned from the data set of the settings."""
    now = settings()
    wanted = {key: value for key, value in now.flat.items() if key.partition(".")[0] == "data"}
    return "data" not in now.problems and all(run.flat.get(key) == value for key, value in wanted.items())


def read(query: Mapping[str, str], runs: list[str]) -> MaskingState:
    """An address. One without a word about masks looks at the first of `runs`."""
    given = {key.removeprefix(PREFIX): text for key, text in query.items() if key.startswith(PREFIX)}
    found = MaskingState()
    for name, text in (given or {"run": runs[0]} if runs else given).items():
        if name in CHECKS:
            found.set(name, text)
        else:
            found.problems[name] = Problem(f"there is no setting {PREFIX}{name}", text)
    found.as_trained(keep=given)
    return found


def masked_runs() -> list[Run]:
    """The runs that can fill in, newest first."""
    runs = shared_pool().store.runs(LISTED, (*STARTED, *OVER))
    able = [
        each for each in runs if each.flat["method"] in CHOICES["method"] and not CHOICES["method"][each.flat["method"]].cannot_reconstruct
    ]
    return [each for each in able if shared_pool().store.folder(each.id).has_checkpoint()]


def at_last(run: str) -> dict[str, Any]:
    """A run's settings as they stood last, with every knob that was moved while it trained."""
    store = shared_pool().store
    return store.run(run).flat_after(store.changes(run))


def called(run: Run) -> str:
    """MAE abcd2345 · Shapes · 75% random at first · 400 steps. Nothing that changes while it trains: selectors know it by its name."""
    flat = run.flat
    names = [
        CHOICES[section][flat[section]].title if flat[section] in CHOICES[section] else flat[section] for section in ("method", "data")
    ]
    return f"{names[0]} {run.id} · {names[1]} · {flat['masking.ratio']:.0%} {flat['masking.strategy']} at first · {run.steps:,} steps"


def beside(run: str | None, other: str | None) -> str:
    """Why these two cannot be shown side by side, as a sentence; nothing where they can."""
    if not run or not other:
        return ""
    first, second = (masked_run(shared_pool().store, each)[0].config for each in (run, other))
    return not_the_same(first, second)
