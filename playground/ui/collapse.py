"""The controls and panels of the Collapse page: what is broken, Start for both, and the two runs side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from playground.analysis.interventions import FAILURE_MODES, FailureMode, Intervention, breaks, guarded_first
from playground.config import CHOICES, RunConfig
from playground.ui import collapse_actions, collapse_state, live, recorded, run_control
from playground.ui.callbacks import uninterrupted
from playground.ui.collapse_state import SIDES, CollapseState, Pair, named
from playground.ui.controls import settings, widgets_for
from playground.ui.knob_widgets import plain
from playground.ui.syncing import sync

EXTREMES = f"{CollapseState.prefix}extremes"
TITLES = {"healthy": "Healthy", "broken": "Broken"}
RESTORING = "Gives the broken run the values of the healthy one again, for the live settings in which they differ. Does it recover?"


def sidebar() -> None:
    """What both have in common, and what is broken in one of them."""
    widgets = widgets_for(settings())
    widgets.choice("data", "Data")
    widgets.section("data")
    widgets.choice("method", "Method", guarded_first())
    healthy, sentences = collapse_state.config()
    if healthy is not None:
        with st.expander("Break it", expanded=True, key="section-break"):
            _breaks(healthy)
    with st.expander("Both runs", expanded=True, key="section-run"):
        left, right = st.columns(2)
        for place, key in ((left, "steps"), (right, "seed"), (left, "batch_size")):
            with place:
                widgets.knob(widgets.knobs[key])
        with right:
            widgets.choice("device", "Device")
        widgets.choice("network", "Network", _networks())
    drawn = {"data", "method", "network", "steps", "seed", "batch_size", "device"}
    for key in [key for key in sentences if key not in drawn and not key.startswith("data.")]:
        st.error(plain(sentences[key]), icon=":material/error:")


def _networks() -> list[str]:
    method = CHOICES["method"][settings().flat["method"]]
    return [name for name, each in CHOICES["network"].items() if each.family in method.accepts]


def _breaks(healthy: RunConfig) -> None:
    chosen, known = CollapseState.here().chosen(healthy), breaks(healthy)
    method = healthy.method.choice
    if missing := collapse_state.off_already(healthy):
        names = ", ".join(key.rpartition(".")[2].replace("_", " ") for key in missing)
        st.caption(f":orange[:material/warning: Both runs are without {plain(names)}: it is off in the settings.]")
        st.button(
            "Put it back", key="put-back", type="tertiary", icon=":material/check:", on_click=collapse_actions.put_back, args=(missing,)
        )
    if guards := [each for each in known if each.safeguard]:
        st.caption("Its safeguards. Switch one off, and the broken run goes without.")
    else:
        st.caption(f"{plain(method.title)} has no safeguard to take away. Choose an extreme setting instead.")
    for each in guards:
        _safeguard(each, each.name in chosen)
    _extremes([each for each in known if not each.safeguard], chosen)
    now = CollapseState.here()
    now.show_problems(*now.problems)


def _safeguard(each: Intervention, off: bool) -> None:
    key = f"{CollapseState.prefix}keep.{each.name}"
    title = each.title.removeprefix("without ").capitalize()
    st.toggle(title, sync(key, not off), key=key, help=f"Without it: {plain(each.expect)}.", on_change=_switched, args=(each.name,))
    if off:
        st.caption(f":orange[:material/warning: Off: expect {plain(each.expect)}.]")


@uninterrupted
def _switched(name: str) -> None:
    collapse_actions.toggle(name, on=not st.session_state[f"{CollapseState.prefix}keep.{name}"])


def _extremes(ways: list[Intervention], chosen: tuple[str, ...]) -> None:
    titles = {each.name: f"{each.title}{' · live' if each.live else ''}" for each in ways}
    default = sync(EXTREMES, [name for name in titles if name in chosen])
    help = "One click each. Those that say live also change the broken run while it trains, and change it back when you click again."
    more: dict[str, Any] = {"key": EXTREMES, "help": help, "on_change": _pushed}
    st.pills("Extremes", list(titles), selection_mode="multi", default=default, format_func=titles.__getitem__, **more)


@uninterrupted
def _pushed() -> None:
    healthy, _ = collapse_state.config()
    if healthy is None:
        return
    wanted = set(st.session_state[EXTREMES] or ())
    before = {name for name in CollapseState.here().chosen(healthy) if not named(healthy)[name].safeguard}
    for name in sorted(wanted ^ before):
        collapse_actions.toggle(name, on=name in wanted)


def transport(shown: Pair) -> None:
    """Start, Pause or Resume, Stop, Restore: each for the pair. And the clock."""
    healthy, sentences = collapse_state.config()
    other, why = collapse_state.next_broken(healthy) if healthy else (None, "")
    with st.container(key="transport", horizontal=True, vertical_alignment="center", gap="medium"):
        with st.container(horizontal=True, gap="small", key="buttons", width="content"):
            run_control.buttons(
                shown.both,
                "Start both",
                ready=other is not None,
                on_start=collapse_actions.start,
                on_pause=collapse_actions.pause_or_resume,
                on_stop=collapse_actions.stop,
            )
            _restore_button(shown)
        live.static_panel("pair-status", **_both(shown))
    run_control.show_refusal()
    if obstacles := [*sentences.values(), *([why] if why else [])]:
        run_control.show_obstacle(obstacles[0], len(obstacles))


def _restore_button(shown: Pair) -> None:
    again = bool(CollapseState.here().restored) and shown.broken.active and not shown.recoverable()
    obstacle = "" if again else shown.unrecoverable()
    st.button(
        "Break again" if again else "Restore settings",
        key="restore",
        icon=":material/heart_broken:" if again else ":material/healing:",
        disabled=bool(obstacle),
        help=obstacle or RESTORING,
        on_click=collapse_actions.break_again if again else collapse_actions.restore,
    )


def note(shown: Pair) -> None:
    """One line on top where the pair is a recording, with the way to train it."""
    if shown.recorded:
        recorded.line("The same run twice: once healthy, once broken.", collapse_actions.train_recorded)


def summary(shown: Pair) -> None:
    """One sentence: what these two are, and what differs between them."""
    if shown.shown:
        different = shown.different()
        names = {each.title(): None for each in shown.both if each.run}
        what = f"{plain(', '.join(names))}. " if names else ""
        parts = [_difference(key, was, now, shown) for key, was, now in different]
        st.caption(f"{what}Same seed, same data, same steps. The broken one differs in {', '.join(parts)}." if parts else what)
        return
    healthy, _ = collapse_state.config()
    other, _ = collapse_state.next_broken(healthy) if healthy else (None, "")
    if healthy and other:
        parts = [_difference(key, was, other.flat()[key]) for key, was in healthy.flat().items() if other.flat().get(key, was) != was]
        what = f"{plain(healthy.method.choice.title)} on {plain(healthy.data.choice.title)}, twice"
        st.caption(f"{what}. Same seed, same data, {healthy.steps:,} steps. The broken one differs in {', '.join(parts)}.")


def _difference(key: str, was: Any, now: Any, shown: Pair | None = None) -> str:
    moved = next((each.step for each in reversed(shown.broken.changes if shown else ()) if each.name == key), None)
    name = plain(key.rpartition(".")[2].replace("_", " "))
    since = f" since step {moved:,}" if moved is not None else ""
    return f"**{name}** {_value(was)} → {_value(now)}{since}"


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return "none" if value is None else f"{value:.4g}" if isinstance(value, float) else plain(str(value))


def panels(shown: Pair) -> None:
    """Verdicts, maps, curves: healthy on the left, broken on the right."""
    both = _both(shown)
    live.static_panel("verdicts", **both)
    for side, place in zip(SIDES, st.columns(2, gap="medium"), strict=True):
        with place:
            other = both["broken" if side == "healthy" else "healthy"]
            live.static_panel("pair-map", where=f"-{side}", run=both[side], other=other, title=TITLES[side])
            each = getattr(shown, side)
            st.button(
                "Train this one", key=f"open-{side}", icon=":material/model_training:", type="tertiary", disabled=each.run is None,
                on_click=_opened, args=(side,),
            )  # fmt: skip
    live.static_panel("pair-curves", **both)


@uninterrupted
def _opened(side: str) -> None:
    st.session_state[f"{CollapseState.prefix}open"] = side


def opening() -> None:
    """Goes to the Train page after its button was pressed: a callback cannot."""
    if side := st.session_state.pop(f"{CollapseState.prefix}open", None):
        collapse_actions.to_training(side)


def _both(shown: Pair) -> dict[str, Any]:
    """What a panel needs of the two; of one that is missing it shows that it is."""
    changes = len(shown.broken.changes)
    return {**shown.ids, "changes": changes, "status": {side: each.status for side, each in zip(SIDES, shown.both, strict=True)}}


def ways_to_fail() -> None:
    """What there is to see, and each of it in one click."""
    rows: list[Mapping[str, str]] = [
        {"state": each.state, "what it looks like": each.looks, "usual cause": each.cause} for each in FAILURE_MODES
    ]
    st.table(rows)
    st.caption("See one happen: a button changes the settings to such a pair and starts both runs.")
    with st.container(horizontal=True, gap="small", key="ways"):
        for each in FAILURE_MODES:
            key = f"way-{each.state.replace(' ', '-')}"
            st.button(each.state, key=key, on_click=collapse_actions.show, args=(each,), help=_shows(each))
    st.caption("A projector may also collapse while its backbone does not. The judge looks at both, and calls this projector collapse.")


def _shows(way: FailureMode) -> str:
    titles = [CHOICES[section][name].title for section, name in way.settings.items()]
    known = {each.name: each.title for each in breaks(RunConfig(**way.settings))}
    return plain(f"{' with '.join(titles)}: {', '.join(known[name] for name in way.breaks)}. Starts both runs.")
