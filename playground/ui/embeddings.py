"""What the Embeddings page looks at: one or two runs, and how. All of it is in the address, under keys that begin with `map.`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from playground.config import CHOICES
from playground.metric_names import LAYERS
from playground.runs.pool import shared_pool
from playground.runs.records import Run, UnknownRun
from playground.ui import live
from playground.ui.callbacks import uninterrupted
from playground.ui.controls import plain
from playground.ui.settings import Problem
from playground.ui.syncing import place
from playground.web.numbers import whole_number

PREFIX = "map."
STATE = "mapped"  # where the session keeps it
LISTED = 300  # the newest runs, to choose from
KINDS = ("umap", "pca", "pca3", "tsne", "sphere")
POINTS = ("probe", "2000", "5000", "10000", "20000", "50000")
RUNS = ("run", "other")


@dataclass
class EmbeddingsState:
    """run, other: ids of runs, or None. points: "probe" or how many training images. color: a factor, cluster or similarity.

    step: None follows the newest. image: the chosen point, or None.
    """

    run: str | None = None
    other: str | None = None
    layer: str = "backbone"
    kind: str = "umap"
    points: str = "probe"
    color: str = ""
    clusters: int = 8
    step: int | None = None
    image: int | None = None
    problems: dict[str, Problem] = field(default_factory=dict)

    def address(self) -> dict[str, str]:
        """Its part of the address: what is not as usual, and a value that was refused as it came."""
        usual = vars(EmbeddingsState())
        values = {name: value for name, value in vars(self).items() if name != "problems" and value != usual[name]}
        values |= {name: each.value for name, each in self.problems.items()}
        return {f"{PREFIX}{name}": str(value) for name, value in values.items()}

    def set(self, name: str, value: Any) -> None:
        """A value from the address, from a control or from the panel; one that cannot be is kept beside its sentence."""
        self.problems.pop(name, None)
        try:
            setattr(self, name, CHECKS[name](value))
        except (ValueError, UnknownRun) as error:
            self.problems[name] = Problem(str(error), str(value))


def _one_of(name: str, options: tuple[str, ...]) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        if value not in options:
            raise ValueError(f"{name} must be one of {', '.join(options)}, got {value}")
        return str(value)

    return check


def _clusters(value: Any) -> int:
    count = whole_number("clusters", str(value))
    if not 2 <= count <= 50:
        raise ValueError(f"clusters must be from 2 to 50, got {count}")
    return count


def _number(name: str) -> Callable[[Any], int | None]:
    return lambda value: None if value in (None, "") else whole_number(name, str(value))


CHECKS: dict[str, Callable[[Any], Any]] = {
    "run": lambda run: shared_pool().store.run(run).id if run else None,
    "other": lambda run: shared_pool().store.run(run).id if run else None,
    "layer": _one_of("layer", LAYERS),
    "kind": _one_of("kind", KINDS),
    "points": _one_of("points", POINTS),
    "color": str,
    "clusters": _clusters,
    "step": _number("step"),
    "image": _number("image"),
}


def state() -> EmbeddingsState:
    """What this session looks at; at its start, what the address says, else the run of the Train page, else the newest."""
    if STATE not in st.session_state:
        st.session_state[STATE] = read(st.query_params.to_dict())
    kept: EmbeddingsState = st.session_state[STATE]
    if not kept.run and "run" not in kept.problems:
        kept.run = _first(st.session_state.get("run"))
    return kept


def read(query: Mapping[str, str]) -> EmbeddingsState:
    """An address."""
    found = EmbeddingsState()
    for key, text in query.items():
        name = key.removeprefix(PREFIX)
        if key.startswith(PREFIX) and name in CHECKS:
            found.set(name, text)
        elif key.startswith(PREFIX):
            found.problems[name] = Problem(f"there is no setting {key}", text)
    return found


def _first(watched: str | None) -> str | None:
    """The run that somebody comes from, else the newest with something on its map, else the newest."""
    listed = shared_pool().store.runs(LISTED)
    known = [each.id for each in listed]
    seen = [run for run in known[:20] if shared_pool().store.folder(run).steps()]
    return watched if watched in known else next(iter([*seen, *known]), None)


def runs(now: EmbeddingsState) -> None:
    """Whose map is shown, and whose beside it."""
    listed = {each.id: called(each) for each in shared_pool().store.runs(LISTED)}
    # A run that is deleted while it is shown keeps its name: selectors know options by their names.
    names = st.session_state.setdefault(f"{STATE} names", {})
    names.update(listed)
    for chosen in (now.run, now.other):
        if chosen and chosen not in listed:
            kept = _found(chosen)
            listed[chosen] = called(kept) if kept else names.get(chosen, f"{chosen}, which is gone")
    if not listed:
        return
    _select("run", "Run", list(listed), listed, now)
    _select("other", "Beside it, under the same clock", ["", *(each for each in listed if each != now.run)], listed, now)
    st.caption(
        "Running ones too: their newest frame is added as it comes. Two runs on the same data show the same images, so that what is "
        "chosen in one is chosen in both."
    )


def _found(run: str | None) -> Run | None:
    """None where it has been deleted while the page was open."""
    try:
        return shared_pool().store.run(run) if run else None
    except UnknownRun:
        return None


def called(run: Run) -> str:
    """SimCLR abcd2345 · Shapes · 400 steps. Nothing that changes while it trains: selectors know options by their names."""
    return f"{_title(run, 'method')} {run.id} · {_title(run, 'data')} · {run.flat.get('steps', 0):,} steps"


def _title(run: Run, section: str) -> str:
    name = run.flat.get(section, "?")
    return CHOICES[section][name].title if name in CHOICES[section] else str(name)


def _select(name: str, label: str, options: list[str], names: dict[str, str], now: EmbeddingsState) -> None:
    chosen = getattr(now, name) or ""
    if chosen not in options:
        options = [chosen, *options]
    index = place(PREFIX + name, chosen, options)
    st.selectbox(label, options, index, format_func=lambda run: names.get(run, "None"), key=PREFIX + name, on_change=_moved, args=(name,))


@uninterrupted
def _moved(name: str) -> None:
    now = state()
    now.set(name, st.session_state[PREFIX + name])
    now.step = None if name == "run" else now.step
    if now.other == now.run:
        now.other = None


def refusals(now: EmbeddingsState) -> None:
    """What the address asked for and cannot be had."""
    for problem in now.problems.values():
        st.error(plain(problem.sentence), icon=":material/error:")


def panel(now: EmbeddingsState) -> None:
    """The page's one panel: maps, curves, neighbors, lasso, landing."""
    told = [_told(run) for run in (now.run, now.other) if run]
    kept = {name: getattr(now, name) for name in ("layer", "kind", "points", "color", "clusters", "step", "image")}
    run = _found(now.run)
    own = run.flat.get("data") if run else None
    data = [{"name": name, "title": each.title} for name, each in sorted(CHOICES["data"].items(), key=lambda each: each[0] != own)]
    live.static_panel("embeddings", on_status=heard, runs=told, datasets=data, **kept)


def _told(run: str) -> dict[str, Any]:
    found = _found(run)
    if found is None:
        return {"id": run, "title": run, "short": run, "vit": False, "images": ""}
    network, method = CHOICES["network"].get(found.flat.get("network", "")), _title(found, "method")
    vit = network is not None and network.family == "vit"
    images = sorted((key, value) for key, value in found.flat.items() if key.partition(".")[0] == "data")
    title = f"{method} on {_title(found, 'data')}"
    return {"id": run, "title": title, "short": f"{method} {run}", "vit": vit, "images": str(images)}


@uninterrupted
def heard() -> None:
    """The panel says what is looked at."""
    now, said = state(), st.session_state["panel-embeddings"]["status"]
    for name, value in said.items():
        if name in CHECKS and name not in RUNS:
            now.set(name, value)
