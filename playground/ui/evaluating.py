"""The controls of the Evaluation page: which run, what is measured, Start and Stop. All of it is in the address, as `eval.*`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import streamlit as st

from playground.config import CHOICES, DEFAULT_CHOICES
from playground.evaluation.protocol import PARTS, Protocol, parts
from playground.home import home
from playground.runs.pool import shared_pool
from playground.runs.records import Run, UnknownRun
from playground.runs.runner import RunError
from playground.ui.callbacks import uninterrupted
from playground.ui.controls import plain
from playground.ui.settings import Problem
from playground.ui.syncing import place, sync
from playground.ui.transport import Watched, owner

PREFIX = "eval."
STATE = "evaluating"  # where the session keeps it
LISTED = 300  # the newest runs; of these, those with a checkpoint can be chosen
SHARES = (0.01, 0.03, 0.1, 0.3, 1.0)
PACE = 1500.0  # images a second, where a run has not said how fast it trained
HELP = {
    "linear": "Logistic regression on the frozen features, its regularization chosen on a fifth of the labels.",
    "knn_classifier": "A vote of the 20 nearest training images with labels. The live k-NN of other pages asks the watched images instead.",
    "tuned": "The whole network goes on learning, from labels.",
    "scratch": "The same network and the same procedure without the pretraining. What fine-tuning has to beat.",
    "untrained": "A linear probe on the network as it was before its first step.",
    "pixels": "A linear probe on the bare pixels.",
    "robustness": "The same probes, fitted on clean images, under blur, noise, color jitter and shift.",
    "transfer": "A linear probe on another data set, without learning anything new from it but the probe.",
}


@dataclass
class Wanted:
    """run: an id, or None. words: those of `Protocol.read` that were chosen. problems: values from the address that cannot be."""

    run: str | None = None
    words: dict[str, str] = field(default_factory=dict)
    problems: dict[str, Problem] = field(default_factory=dict)

    def address(self) -> dict[str, str]:
        """Its part of the address; a value that was refused stays as it came."""
        values = ({"run": self.run} if self.run else {}) | self.words | {name: each.value for name, each in self.problems.items()}
        return {f"{PREFIX}{name}": value for name, value in values.items()}

    def set(self, name: str, value: str) -> None:
        """A value from the address, or from a control; one that cannot be is kept beside its sentence."""
        self.problems.pop(name, None)
        try:
            if name == "run":
                self.run = shared_pool().store.run(value).id if value else None
                return
            if name not in Protocol.__dataclass_fields__:
                raise ValueError(f"there is no setting {PREFIX}{name}")
            Protocol.read({"transfer": DEFAULT_CHOICES["data"], name: value})  # each value by itself; `protocol` says how they go together
            self.words = {key: text for key, text in self.words.items() if key != name} | ({name: value} if value else {})
        except (ValueError, UnknownRun) as error:
            self.problems[name] = Problem(str(error), value)

    @property
    def parts(self) -> list[str]:
        """What is ticked."""
        return list(parts("parts", self.words.get("parts", ",".join(Protocol.parts))))

    def protocol(self) -> tuple[Protocol | None, str]:
        """What Start would measure, or None and what stands in its way."""
        try:
            found = Protocol.read({"parts": ",".join(Protocol.parts)} | self.words)
        except ValueError as error:
            return None, str(error)
        return (None, next(iter(self.problems.values())).sentence) if self.problems else (found, "")

    def usable(self) -> Protocol | None:
        """The same without what was refused."""
        return replace(self, problems={}).protocol()[0]


def wanted(watched: Watched) -> Wanted:
    """What this session evaluates; at its start, what the address says, or else the run of the Train page, or the newest."""
    if STATE not in st.session_state:
        newest = [each.id for each in runs()]
        first = watched.run.id if watched.run and watched.run.id in newest else next(iter(newest), None)
        st.session_state[STATE] = read(st.query_params.to_dict(), first)
    kept: Wanted = st.session_state[STATE]
    return kept


def read(query: Mapping[str, str], first: str | None) -> Wanted:
    """An address; one without a run takes `first`."""
    found = Wanted(first)
    for key, text in query.items():
        if key.startswith(PREFIX):
            found.set(key.removeprefix(PREFIX), text)
    if "run" in found.problems:  # none is chosen until somebody chooses: a link must not show another run than it names
        found.run = None
    return found


def runs() -> list[Run]:
    """The runs that can be evaluated, newest first."""
    store = shared_pool().store
    return [each for each in store.runs(LISTED) if store.folder(each.id).has_checkpoint()]


def called(run: Run) -> str:
    """SimCLR abcd2345 · CIFAR-10 · 1,200 steps. Nothing that changes while it trains: selectors know options by their names."""
    flat = run.flat
    method, data = (CHOICES[each][flat[each]].title if flat[each] in CHOICES[each] else flat[each] for each in ("method", "data"))
    return f"{method} {run.id} · {data} · {run.steps:,} steps"


def controls(now: Wanted) -> Run | None:
    """Which run, and what is measured. Returns the run."""
    listed = {each.id: each for each in runs()}
    run = _chosen(now, listed)
    names = {each.id: called(each) for each in listed.values()} | ({run.id: called(run)} if run else {})
    _select(now, "run", "Run", ["", *names], now.run or "", lambda each: names.get(each, "No run"))
    if run is None:
        return None
    _factor(now, factors(run))
    protocol = now.usable() or Protocol()
    others = [name for name in here() if name != run.flat["data"]]
    chosen = now.words.get("transfer", "")
    st.markdown("**What is measured**")
    _parts(now, run, protocol)
    _select(now, "transfer", "Transfer to", ["", *dict.fromkeys([*others, *filter(None, [chosen])])], chosen, _data)
    with st.expander("How", expanded=False, key="eval-how"):
        _shares(now, protocol)
        for name, label, help in NUMBERS:
            value = sync(PREFIX + name, getattr(protocol, name))
            st.number_input(label, value=value, step=1, key=PREFIX + name, help=help, on_change=_moved, args=(name,))
            _problem(now, name)
    for name in sorted(now.problems.keys() - {"run", *Protocol.__dataclass_fields__}):
        _problem(now, name)
    return run


def _factor(now: Wanted, known: list[str]) -> None:
    """What is to be told apart."""
    asked = now.words.get("factor", "")
    if asked and known and asked not in known:
        now.problems["factor"] = Problem(f"factor must be one of {', '.join(known)}, got {asked}", asked)
        del now.words["factor"]
    if len(known) > 1:
        _select(now, "factor", "Factor", known, now.words.get("factor", known[0]), str)
    else:
        _problem(now, "factor")
    if not known:
        st.caption(":material/info: The images of this run have no labels. What can be measured is its transfer to a data set that has.")


SEEDS = (
    "How often all is repeated, each time with other labels, in another order, and from scratch from other weights. "
    "Curves show the mean; bars, what seeds and a test of so many images leave open."
)
NUMBERS = (
    ("seeds", "Seeds", SEEDS),
    ("labels", "Labeled images", "How many 100 % is at most. A seed has four fifths of all at most, so that each draws others."),
    ("steps", "Fine-tuning steps", "Of 128 images each, for fine-tuning and for training from scratch alike."),
)


def _chosen(now: Wanted, listed: Mapping[str, Run]) -> Run | None:
    if not now.run:
        return None
    try:
        return listed.get(now.run) or shared_pool().store.run(now.run)
    except UnknownRun as gone:  # deleted while the page was open
        now.problems["run"], now.run = Problem(str(gone), now.run), None
        return None


def factors(run: Run) -> list[str]:
    """What the images of a run are known by."""
    kind = CHOICES["data"].get(run.flat["data"])
    return list(kind.classes) if kind else []


def here() -> list[str]:
    """The data sets with labels that lie on this disk, or need none."""
    folder = home() / "data"
    return [name for name, each in CHOICES["data"].items() if each.classes and not each.missing(each.Knobs(), folder)]


def _data(name: str) -> str:
    """A title; "" is no data set."""
    return "No other data set" if not name else CHOICES["data"][name].title if name in CHOICES["data"] else name


def _select(now: Wanted, name: str, label: str, options: list[str], value: str, shown: Any) -> None:
    index = place(PREFIX + name, value if value in options else options[0], options)
    st.selectbox(label, options, index, format_func=shown, key=PREFIX + name, on_change=_moved, args=(name,))
    _problem(now, name)


def _shares(now: Wanted, protocol: Protocol) -> None:
    options = sorted({*SHARES, *protocol.shares})
    default = sync(f"{PREFIX}shares", [each for each in options if each in protocol.shares])
    moved: dict[str, Any] = {"on_change": _moved, "args": ("shares",)}
    st.multiselect("Shares of the labels", options, default, format_func=lambda each: f"{100 * each:.3g} %", key=f"{PREFIX}shares", **moved)
    _problem(now, "shares")


def _parts(now: Wanted, run: Run, protocol: Protocol) -> None:
    for name in (each for each in PARTS if each != "transfer"):
        key = f"{PREFIX}part-{name}"
        label, chosen = f"{PARTS[name]} · {minutes(seconds(run, protocol, name))}", sync(key, name in now.parts)
        st.checkbox(label, chosen, key=key, help=HELP[name], on_change=_ticked)
    _problem(now, "parts")


def seconds(run: Run, protocol: Protocol, part: str) -> float:
    """About how long a part takes on this machine, from how fast the run trained."""
    kind = CHOICES["data"].get(run.flat["data"])
    images, tested = (kind.count, kind.test_count) if kind else (10_000, 1_000)
    cost = Protocol(**vars(protocol) | {"parts": tuple(PARTS), "transfer": DEFAULT_CHOICES["data"]}).costs(images, tested)[part]
    return cost / float(run.facts.get("views_per_second") or PACE)


def minutes(seconds: float) -> str:
    """Under 5 s, about 20 s, about 4 min."""
    if seconds < 90:
        return f"about {round(seconds / 5) * 5} s" if seconds >= 5 else "under 5 s"
    return f"about {round(seconds / 60):,} min"


def _problem(now: Wanted, name: str) -> None:
    if name in now.problems:
        st.error(plain(now.problems[name].sentence), icon=":material/error:")


@uninterrupted
def _moved(name: str) -> None:
    value, now = st.session_state[PREFIX + name], st.session_state[STATE]
    text = ",".join(f"{each:g}" for each in value) if isinstance(value, list) else str(value)
    now.set(name, text)
    if name == "transfer":
        now.words["parts"] = ",".join([each for each in now.parts if each != "transfer"] + ["transfer"] * bool(text))
    if name == "run":
        now.words.pop("factor", None)


@uninterrupted
def _ticked() -> None:
    now: Wanted = st.session_state[STATE]
    parts = [name for name in PARTS if st.session_state.get(f"{PREFIX}part-{name}")]
    now.problems.pop("parts", None)
    now.words["parts"] = ",".join(parts + ["transfer"] * bool(now.words.get("transfer")))


def buttons(now: Wanted, run: Run | None) -> None:
    """Start and Stop, how long it takes about, and why it cannot."""
    protocol, sentence = now.protocol()
    job = shared_pool().evaluations.standing(run.id) if run else {"status": ""}
    busy = job["status"] in ("running", "waiting")
    trained = run is not None and shared_pool().store.folder(run.id).has_checkpoint()
    off = busy or not trained or protocol is None
    st.button("Evaluate", key="evaluate", type="primary", icon=":material/play_arrow:", disabled=off, on_click=_start)
    st.button("Stop", key="stop-evaluation", icon=":material/stop:", disabled=not busy, on_click=_stop)
    if refusal := st.session_state.pop("evaluation refused", ""):
        st.error(plain(refusal), icon=":material/error:")
    if run is None:
        st.caption("Choose a run in the sidebar." if runs() else "There is nothing to evaluate yet. Train a run on the page *Train*.")
    elif not trained:
        st.caption(
            "This run left no checkpoint, and so no network to evaluate." if run.over else "No checkpoint yet: pause the run, or wait."
        )
    elif protocol is None:
        st.warning(f"Nothing can be measured until this is fixed: {plain(sentence)}", icon=":material/pan_tool:")
    elif not busy:
        whole = minutes(sum(seconds(run, protocol, part) for part in protocol.parts))
        st.caption(f"What is ticked takes {whole}, in the background. This page can be left meanwhile.")


@uninterrupted
def _start() -> None:
    now: Wanted = st.session_state[STATE]
    protocol, _ = now.protocol()
    if protocol is None or now.run is None:
        return
    try:
        shared_pool().evaluations.submit(now.run, protocol, owner())
    except (UnknownRun, RunError, ValueError) as error:
        st.session_state["evaluation refused"] = str(error)


@uninterrupted
def _stop() -> None:
    now: Wanted = st.session_state[STATE]
    if now.run:
        shared_pool().evaluations.stop(now.run)


@uninterrupted
def heard() -> None:
    """A point of the picture of losses was clicked: that run is looked at."""
    told = st.session_state.get("panel-losses", {}).get("status") or {}
    if told.get("run"):
        st.session_state[STATE].set("run", str(told["run"]))
        st.session_state[STATE].words.pop("factor", None)


def factor(now: Wanted, run: Run | None) -> str:
    """The factor that is looked at."""
    return now.words.get("factor") or (next(iter(factors(run)), "") if run else "")
