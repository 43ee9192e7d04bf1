"""The controls of a run's settings: each is made from a knob, and what is wrong with its value stands under it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

from playground.config import CHOICES, RunConfig, knobs_for
from playground.knobs import Knob
from playground.methods import Method
from playground.ui.callbacks import uninterrupted
from playground.ui.knob_widgets import plain, widget
from playground.ui.settings import Settings, read, switched
from playground.ui.syncing import MISSING, place, reported, sync

STATE = "settings"  # where the session keeps them; widgets come and go with the method, this stays
IGNORED = "ignored"  # where it keeps which keys of its link are ignored, and until when the page shows that
LEGIBLE = 20.0  # seconds
SECTIONS = {"masking": "Masking", "crops": "Local views", "augment": "Augmentation", "optimizer": "Optimizer"}
MANY = 10  # choices that one tooltip may explain
NAMED = 4  # ignored keys of a link that a notice names


@dataclass(frozen=True)
class Running:
    """What the controls must know of a run: its settings now (changes included), which are live, and how to move them.

    move: sends the new value to the run, and returns whether it takes it.
    """

    flat: dict[str, Any]
    live: tuple[str, ...]
    move: Callable[[str, Any], bool]

    def follows(self, key: str, flat: Mapping[str, Any]) -> bool:
        """Whether moving `key` on the page, whose settings are `flat`, moves it in this run."""
        owner = key.partition(".")[0]
        return key in self.live and (owner not in CHOICES or flat[owner] == self.flat[owner])


def settings(run: Mapping[str, Any] | None = None, live: tuple[str, ...] = ()) -> Settings:
    """The session's settings; at its start they are read from the address and the run it names."""
    if STATE not in st.session_state:
        st.session_state[STATE] = read(st.query_params.to_dict(), run, live=live)
        st.session_state[IGNORED] = st.session_state[STATE].ignored, time.monotonic() + LEGIBLE
        show_ignored()
    kept: Settings = st.session_state[STATE]
    if any(kept.flat[section] not in CHOICES[section] for section in CHOICES):  # a dataset was removed while it was chosen
        kept = st.session_state[STATE] = read(kept.address(None))
    return kept


def show_ignored() -> None:
    """Which keys of a link are no settings, above the page, for as long as it takes to read."""
    keys, until = st.session_state.get(IGNORED, ((), 0.0))
    if keys and time.monotonic() < until:
        what = f"{', '.join(keys[:NAMED])}{f' and {len(keys) - NAMED} more' if len(keys) > NAMED else ''}"
        st.caption(f":material/link: {plain(f'Ignored in the link: {what}.')}")


def write_url(run: str | None, page_state: Mapping[str, str] | None = None) -> None:
    """Writes the address, so that copying it at any moment copies the experiment. page_state: what the page itself keeps in it."""
    address = settings().address(run) | dict(page_state or {})
    if st.query_params.to_dict() != address:
        st.query_params.from_dict(address)


def draw(now: Settings, running: Running | None) -> KnobWidgets:
    """All controls, top to bottom; returns the widgets, for sections of their own."""
    widgets = widgets_for(now, running)
    for key in [key for key in widgets.sentences if key not in now.flat]:
        _sentence(key, widgets.sentences[key], "Leave it out")
    _choices(widgets)
    _method(widgets)
    for section, title in SECTIONS.items():
        if any(key.startswith(f"{section}.") for key in widgets.knobs):
            with st.expander(title, expanded=True, key=f"section-{section}"):
                if section == "optimizer":
                    widgets.choice("optimizer", "Optimizer")
                widgets.section(section)
    with st.expander("Run", expanded=True, key="section-run"):
        _run(widgets)
    return widgets


def widgets_for(now: Settings, running: Running | None = None) -> KnobWidgets:
    """Widgets for these settings, for pages that draw only some sections."""
    _, sentences = now.config()
    return KnobWidgets(
        now, running, sentences, {each.key: each for each in knobs_for(**{section: now.flat[section] for section in CHOICES})}
    )


def _choices(widgets: KnobWidgets) -> None:
    method = CHOICES["method"][widgets.now.flat["method"]]
    networks = [name for name, each in CHOICES["network"].items() if each.family in method.accepts]
    widgets.choice("data", "Data")
    widgets.choice("method", "Method")
    widgets.choice("network", "Network", networks)
    widgets.section("data")
    widgets.section("network")


def _method(widgets: KnobWidgets) -> None:
    """The method's own knobs, what it is, and its safeguards in a group of their own."""
    method = CHOICES["method"][widgets.now.flat["method"]]
    with st.expander(method.title, expanded=True, key="section-method"):
        st.caption(f"{plain(method.summary)} [{plain(method.paper.partition(':')[0])}]({method.link})")
        if method.advice:
            st.caption(f":material/lightbulb: {plain(method.advice)}")
        if method.meant_for:
            st.caption(f":material/target: {plain(method.meant_for)}")
        if counted := negatives(widgets.now.config()[0]):
            st.caption(f":material/unfold_more: {counted}")
        widgets.section("method")
    if any(each.without for each in widgets.knobs.values()):
        with st.expander("Safeguards", expanded=True, key="section-safeguards"):
            st.caption("What keeps the method from collapsing. Turn one off, press Start, and watch.")
            widgets.section("method", safeguards=True)


def negatives(config: RunConfig | None) -> str:
    """How many negatives each view really sees, as a sentence; nothing where the method has none."""
    count = config.method.choice.negatives(config) if config else None
    if config is None or count is None:
        return ""
    more = "" if config.accumulation == 1 else f" Accumulation adds none: each of its {config.accumulation} batches stands alone."
    return f"Each view is compared with {count:,} negatives.{more}"


def _run(widgets: KnobWidgets) -> None:
    left, right = st.columns(2)
    for column, key in zip((left, right) * 3, ("steps", "batch_size", "accumulation", "seed"), strict=False):
        with column:
            widgets.knob(widgets.knobs[key])
    with left:
        widgets.choice("device", "Device")
    with right:
        widgets.section("device")


@dataclass(frozen=True)
class KnobWidgets:
    """Draws widgets for one set of settings."""

    now: Settings
    running: Running | None
    sentences: Mapping[str, str]
    knobs: Mapping[str, Knob]

    def section(self, section: str, *, safeguards: bool = False) -> None:
        """The knobs of one section, without or with only its safeguards."""
        for key, each in self.knobs.items():
            if key.startswith(f"{section}.") and bool(each.without) == safeguards:
                self.knob(each)

    def choice(self, section: str, label: str, names: list[str] | None = None) -> None:
        """A selector of methods, datasets, networks or optimizers."""
        kinds = CHOICES[section]
        among = names or list(kinds)
        st.selectbox(
            self._label(section, label),
            among,
            index=place(section, self.now.flat[section], among),
            format_func=lambda name: _called(kinds[name]) if name in kinds else name,
            key=section,
            help=_help(section, among),
            on_change=_moved,
            args=(section, None),
        )
        self.messages(section)

    def knob(self, each: Knob) -> None:
        """One knob, with the sentence about it where there is one."""
        value = sync(each.key, self.now.flat[each.key])
        label = self._label(each.key, each.title.capitalize())
        off = each.without and not self.now.flat[each.key]
        help = f"{plain(each.help)}  \n*Without it: {each.without}.*" if each.without else plain(each.help)
        widget(each, label, help, value, on_change=_moved, args=(each.key, self.running))
        if off:
            st.caption(f":orange[:material/warning: Off: expect {each.without}.]")
        self.messages(each.key)

    def _label(self, key: str, label: str) -> str:
        """The label, and whether moving it acts at once or on the next run."""
        each = self.knobs.get(key)
        mark = " · live" if each is not None and each.live else ""
        run, flat = self.running, self.now.flat
        if run and run.flat.get(key, MISSING) != flat[key]:
            if not run.follows(key, flat):
                mark = " · next run"
            elif not self.now.on_its_way(key):
                mark = f" · the run has {run.flat[key]:.4g}"
        return label + mark

    def messages(self, key: str) -> None:
        """What was refused of this control, and what was moved on the user's behalf."""
        if key in self.sentences:
            shown = self.now.flat[key]
            _sentence(key, self.sentences[key], f"Use {shown}" if key in self.now.problems else None)
        if key in self.now.notes:
            st.caption(f":material/info: {plain(self.now.notes[key])}")


def _called(kind: Any) -> str:
    """A title; a method's with its family."""
    return f"{kind.title} · {kind.family}" if issubclass(kind, Method) else str(kind.title)


def _help(section: str, names: list[str]) -> str:
    """What there is to choose from, where that fits into a tooltip."""
    if len(names) > MANY:
        return f"{len(names)} to choose from. What the chosen one does stands below; type to search by name or family."
    return "  \n".join(f"**{plain(CHOICES[section][name].title)}**: {plain(CHOICES[section][name].summary)}" for name in names)


def _sentence(key: str, sentence: str, instead: str | None) -> None:
    st.error(plain(sentence), icon=":material/error:")
    if instead:
        st.button(instead, key=f"accept {key}", type="tertiary", icon=":material/check:", on_click=_accepted, args=(key,))


@uninterrupted
def _accepted(key: str) -> None:
    settings().problems.pop(key, None)


@uninterrupted
def _moved(key: str, running: Running | None) -> None:
    """A widget was moved: the settings follow, and so does the run where the knob is live."""
    now, value = settings(), st.session_state[key]
    if key in CHOICES:
        choose(key, value)
        return
    if now.flat[key] == value and key not in now.problems:
        return  # no move: a browser that was behind has caught up with what it was told
    if now.left.late(key, value):
        return
    reported(key)
    now.problems.pop(key, None)
    now.notes.clear()
    now.flat = now.flat | {key: value}
    now.unsent.add(key)
    if running and running.follows(key, now.flat) and _fits(running.flat | {key: value}) and running.move(key, value):
        now.sent[key] = value, time.monotonic()
        now.unsent.discard(key)
        now.flat = {name: each for name, each in now.flat.items() if name != f"schedule.{key}"}  # a hand on the knob ends it


def choose(section: str, name: str) -> None:
    """Picks another method, dataset, network or optimizer, as if by its selector."""
    now = settings()
    after = switched(now.flat, section, name)
    now.flat, now.notes = after.flat, after.notes
    now.problems = {key: problem for key, problem in now.problems.items() if key != section and not key.startswith(f"{section}.")}


def _fits(flat: dict[str, Any]) -> bool:
    try:
        RunConfig(**flat)
    except ValueError:
        return False
    return True
