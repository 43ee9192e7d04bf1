"""What the Evaluation page measures: which run, and by which protocol."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import fields
from typing import Annotated, Any, Self

import streamlit as st
from pydantic import BeforeValidator, ValidationInfo

from playground.config import CHOICES, DEFAULT_CHOICES
from playground.evaluation.protocol import Protocol
from playground.knobs import number
from playground.runs.pool import shared_pool
from playground.runs.records import Run
from playground.ui.page_state import NONE, PageState, as_address
from playground.ui.run_view import SHOWN

LISTED = 300  # the newest runs; of these, those with a checkpoint can be chosen
SEEDS = (
    "How often all is repeated, each time with other labels, in another order, and from scratch from other weights. "
    "Curves show the mean; bars, what seeds and a test of so many images leave open."
)
LABELS = "How many 100% is at most. A seed has four fifths of all at most, so that each draws others."
STEPS = "Of 128 images each, for fine-tuning and for training from scratch alike."


def _measured(value: Any, info: ValidationInfo) -> Any:
    """A value of the protocol. Each is checked by itself; `protocol` says how they go together."""
    name, text = str(info.field_name), as_address(value)
    if text in ("", NONE):
        return type(getattr(Protocol, name))()
    return getattr(Protocol.read({"transfer": DEFAULT_CHOICES["data"], name: text}), name)


FromProtocol = BeforeValidator(_measured)


class EvaluationState(PageState):
    """run: an id, or None. The other fields are those of `Protocol`."""

    prefix = "eval."
    reported = ("run",)
    run: Annotated[str | None, BeforeValidator(lambda run: shared_pool().store.run(str(run)).id if run else None)] = None
    parts: Annotated[tuple[str, ...], FromProtocol] = Protocol.parts
    factor: Annotated[str, FromProtocol] = ""
    shares: Annotated[tuple[float, ...], FromProtocol] = Protocol.shares
    seeds: Annotated[int, FromProtocol] = number(Protocol.seeds, SEEDS)
    labels: Annotated[int, FromProtocol] = number(Protocol.labels, LABELS)
    steps: Annotated[int, FromProtocol] = number(Protocol.steps, STEPS)
    transfer: Annotated[str, FromProtocol] = ""

    @classmethod
    def here(cls) -> Self:
        """A recording is shown until there is a run of one's own."""
        now = super().here()
        if now.gives_way:
            now.complete(())
        return now

    def complete(self, given: Collection[str]) -> None:
        """The run of the Train page, or the newest, or a recording. A link must not show another run than it names."""
        if "run" not in given:
            known = [each.id for each in runs()]
            before = st.session_state.get(SHOWN)
            self.offer(before if before in known else next(iter(known), None))

    def moved(self, name: str, value: Any) -> None:
        """Another dataset for transfer is measured at once; another run has other factors."""
        self.set(name, value)
        if name == "transfer" and name not in self.problems:
            self.parts = (*(each for each in self.parts if each != "transfer"), *(["transfer"] if self.transfer else []))
        if name == "run":
            self.set("factor", "")

    def report(self, found: Mapping[str, Any]) -> None:
        """A point in the picture of losses was clicked: that run is shown."""
        if found.get("run"):
            self.moved("run", found["run"])

    def protocol(self) -> tuple[Protocol | None, str]:
        """What Start would measure, or None and what stands in its way."""
        found, sentence = self.usable()
        return (None, next(iter(self.problems.values())).sentence) if found and self.problems else (found, sentence)

    def usable(self) -> tuple[Protocol | None, str]:
        """The same without what was refused."""
        try:
            return Protocol(**{each.name: getattr(self, each.name) for each in fields(Protocol)}), ""
        except ValueError as error:
            return None, str(error)

    def factor_of(self, run: Run | None) -> str:
        """The factor that is told apart."""
        return self.factor or (next(iter(factors(run)), "") if run else "")


def runs() -> list[Run]:
    """The runs that can be evaluated, newest first."""
    store = shared_pool().store
    return [each for each in store.runs(LISTED) if store.folder(each.id).has_checkpoint()]


def factors(run: Run) -> list[str]:
    """What the images of a run are known by."""
    kind = CHOICES["data"].get(run.flat["data"])
    return list(kind.classes) if kind else []
