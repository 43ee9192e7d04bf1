"""What the Embeddings page shows: one or two runs, and how."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, Any, Self

import streamlit as st
from pydantic import BeforeValidator

from playground.analysis.map_kinds import KINDS
from playground.knobs import knob
from playground.metric_names import LAYERS
from playground.runs.pool import shared_pool
from playground.ui.page_state import OptionalCount, PageState, Word, among
from playground.ui.run_view import SHOWN

LISTED = 300  # the newest runs, to choose from
RECENT = 20  # of these, the newest with something on its map comes first
POINTS = ("probe", "2000", "5000", "10000", "20000", "50000")

KnownRun = Annotated[str | None, BeforeValidator(lambda run: shared_pool().store.run(str(run)).id if run else None)]


class EmbeddingsState(PageState):
    """run, other: ids of runs, or None. points: "probe" or how many training images. color: a factor, cluster or similarity.

    step: None follows the newest. image: the chosen point, or None.
    """

    prefix = "map."
    reported = ("layer", "kind", "points", "color", "clusters", "step", "image")
    run: KnownRun = None
    other: KnownRun = None
    layer: Annotated[Word, among(LAYERS)] = "backbone"
    kind: Annotated[Word, among(tuple(KINDS))] = "umap"
    points: Annotated[Word, among(POINTS)] = "probe"
    color: Word = ""
    clusters: int = knob(8, 2, 50, "How many groups the images are divided into.")
    step: OptionalCount = None
    image: OptionalCount = None

    @classmethod
    def here(cls) -> Self:
        """As soon as there is a run one is shown: that of the Train page, else the newest, else a recording."""
        now = super().here()
        now.complete(now.problems)
        return now

    def complete(self, given: Collection[str]) -> None:
        """A run, where the link names none."""
        if (not self.run or self.gives_way) and "run" not in self.problems:
            self.offer(_first(st.session_state.get(SHOWN)))

    def moved(self, name: str, value: Any) -> None:
        """Another run is shown at its newest step, and never beside itself."""
        self.set(name, value)
        if name == "run":
            self.step = None
        if self.other == self.run:
            self.other = None


def _first(before: str | None) -> str | None:
    """The run that somebody comes from, else the newest with something on its map, else the newest, else the first recording."""
    listed = shared_pool().store.runs(LISTED)
    known, own = [each.id for each in listed], [each.id for each in listed if not each.recorded]
    mapped = [run for run in own[:RECENT] if shared_pool().store.folder(run).steps()]
    return before if before in known else next(iter([*mapped, *known]), None)
