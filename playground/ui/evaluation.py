"""The controls of the Evaluation page: which run, what is measured, Start and Stop."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import streamlit as st

from playground.config import CHOICES, DEFAULT_CHOICES
from playground.evaluation import ledger
from playground.evaluation.protocol import PARTS, Protocol
from playground.home import home
from playground.runs.pool import shared_pool
from playground.runs.records import Run, UnknownRun
from playground.ui import evaluation_state, run_control
from playground.ui.callbacks import uninterrupted
from playground.ui.evaluation_state import EvaluationState, factors
from playground.ui.knob_widgets import plain
from playground.ui.run_names import called, ended_early
from playground.ui.syncing import sync

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
    "transfer": "A linear probe on another dataset, without learning anything new from it but the probe.",
}


def controls(now: EvaluationState) -> Run | None:
    """Which run, and what is measured. Returns the run."""
    listed = {each.id: each for each in evaluation_state.runs()}
    run = _chosen(now, listed)
    names = {each.id: called(each) for each in [*listed.values(), *([run] if run else [])]}
    now.select("run", "Run", ["", *names], lambda each: names.get(each, "No run"))
    if run is None:
        return None
    if early := ended_early(run):
        st.caption(f":material/info: {early}")
    _factor(now, factors(run))
    protocol = now.usable()[0] or Protocol()
    st.markdown("**What is measured**")
    _parts(now, run, protocol)
    now.select("transfer", "Transfer to", ["", *(name for name in here() if name != run.flat["data"])], _data)
    with st.expander("Protocol", expanded=False, key="eval-how"):
        _shares(now)
        now.widget("seeds")
        now.widget("labels", "Labeled images")
        now.widget("steps", "Fine-tuning steps")
    now.show_problems(*sorted(now.problems.keys() - set(EvaluationState.model_fields)))
    return run


def _chosen(now: EvaluationState, listed: Mapping[str, Run]) -> Run | None:
    if not now.run:
        return None
    try:
        return listed.get(now.run) or shared_pool().store.run(now.run)
    except UnknownRun as gone:  # deleted while the page was open
        now.refuse("run", str(gone))
        return None


def _factor(now: EvaluationState, known: list[str]) -> None:
    """What is to be told apart."""
    if now.factor and known and now.factor not in known:
        now.refuse("factor", f"factor must be one of {', '.join(known)}, got {now.factor}")
    if len(known) > 1:
        now.select("factor", "Factor", known, str, shown=now.factor or known[0])
    else:
        now.show_problems("factor")
    if not known:
        st.caption(":material/info: The images of this run have no labels. What can be measured is its transfer to a dataset that has.")


def here() -> list[str]:
    """The datasets with labels that lie on this disk, or need none."""
    folder = home() / "data"
    return [name for name, each in CHOICES["data"].items() if each.classes and not each.missing(each.Knobs(), folder)]


def _data(name: str) -> str:
    """A title; "" is no dataset."""
    return "No other dataset" if not name else CHOICES["data"][name].title if name in CHOICES["data"] else name


def _shares(now: EvaluationState) -> None:
    key, options = f"{now.prefix}shares", sorted({*SHARES, *now.shares})
    default = sync(key, [each for each in options if each in now.shares])
    more: dict[str, Any] = {"key": key, "on_change": _shared, "args": (now,)}
    st.multiselect("Shares of the labels", options, default, format_func=lambda each: f"{100 * each:.3g}%", **more)
    now.show_problems("shares")


@uninterrupted
def _shared(now: EvaluationState) -> None:
    now.moved("shares", st.session_state[f"{now.prefix}shares"])


def _parts(now: EvaluationState, run: Run, protocol: Protocol) -> None:
    for name in (each for each in PARTS if each != "transfer"):
        key = f"{now.prefix}part-{name}"
        label, chosen = f"{PARTS[name]} · {minutes(seconds(run, protocol, name))}", sync(key, name in now.parts)
        st.checkbox(label, chosen, key=key, help=HELP[name], on_change=_ticked, args=(now,))
    now.show_problems("parts")


@uninterrupted
def _ticked(now: EvaluationState) -> None:
    parts = [name for name in PARTS if st.session_state.get(f"{now.prefix}part-{name}")]
    now.set("parts", [*parts, *(["transfer"] if now.transfer else [])])


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


def buttons(now: EvaluationState, run: Run | None) -> None:
    """Start and Stop, how long it takes about, and why it cannot."""
    protocol, sentence = now.protocol()
    job = shared_pool().evaluations.standing(run.id) if run else {"status": ""}
    busy = job["status"] in ("running", "waiting")
    trained = run is not None and shared_pool().store.folder(run.id).has_checkpoint()
    off = busy or not trained or protocol is None
    st.button("Evaluate", key="evaluate", type="primary", icon=":material/play_arrow:", disabled=off, on_click=_start, args=(now,))
    st.button("Stop", key="stop-evaluation", icon=":material/stop:", disabled=not busy, on_click=_stop, args=(now,))
    if run is not None and run.recorded and not busy and ledger.renewable(folder := shared_pool().store.folder(run.id).path):
        st.button("Show the recorded result", key="recorded-result", icon=":material/undo:", on_click=_put_away, args=(folder,))
    run_control.show_refusal()
    if run is None:
        there = evaluation_state.runs()
        st.caption("Choose a run in the sidebar." if there else "There is nothing to evaluate yet. Train a run on the page *Train*.")
    elif not trained:
        none = "This run left no checkpoint, and so no network to evaluate."
        st.caption(none if run.over else "No checkpoint yet: pause the run, or wait.")
    elif protocol is None:
        st.warning(f"Fix this to evaluate: {plain(sentence)}", icon=":material/pan_tool:")
    elif not busy:
        whole = minutes(sum(seconds(run, protocol, part) for part in protocol.parts))
        st.caption(f"The chosen parts take {whole}. They run in the background: you may leave this page.")


@uninterrupted
def _start(now: EvaluationState) -> None:
    protocol, _ = now.protocol()
    if protocol is not None and now.run is not None:
        run = now.run
        run_control.attempt(lambda: shared_pool().evaluations.submit(run, protocol, run_control.owner()))


@uninterrupted
def _put_away(folder: Path) -> None:
    run_control.attempt(lambda: ledger.forget(folder))


@uninterrupted
def _stop(now: EvaluationState) -> None:
    if now.run:
        shared_pool().evaluations.stop(now.run)
