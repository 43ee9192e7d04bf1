"""Schedules: which knobs change over the run, where they end, and a picture of their course before the run starts."""

from __future__ import annotations

from typing import Any

import streamlit as st

from playground.knobs import Knob
from playground.schedules import SHAPES, Schedule
from playground.ui.callbacks import uninterrupted
from playground.ui.controls import KnobWidgets, settings
from playground.ui.knob_widgets import widget
from playground.ui.syncing import sync
from playground.views.pictures import address

PREFIX = "schedule."
CHOSEN = "scheduled"  # the widget that says which knobs have one
WIDTH, HEIGHT, POINTS = 240, 44, 48  # of the picture


def draw(widgets: KnobWidgets) -> None:
    """The section: a choice of live numbers, and for each its end, its shape, and its picture."""
    live = {key: each for key, each in widgets.knobs.items() if each.live and each.kind in ("number", "integer")}
    chosen = [key.removeprefix(PREFIX) for key in widgets.now.flat if key.startswith(PREFIX)]
    st.multiselect(
        "Knobs that change over the run",
        list(live),
        sync(CHOSEN, [key for key in chosen if key in live]),
        format_func=lambda key: f"{live[key].title} ({key.partition('.')[0]})",
        key=CHOSEN,
        placeholder="None: all stay where they are",
        help="A curriculum: each goes from its own value to another over the run. Moving the knob by hand ends its schedule.",
        on_change=_choose,
    )
    for key in chosen:
        if key in live:
            _one(widgets, live[key])


def _one(widgets: KnobWidgets, each: Knob) -> None:
    name = PREFIX + each.key
    schedule, start = Schedule.parse(widgets.now.flat[name]), float(widgets.now.flat[each.key])
    left, right = st.columns([3, 2])
    last, shape = sync(f"end {each.key}", schedule.end), sync(f"shape {each.key}", schedule.shape)
    more: dict[str, Any] = {"on_change": _change, "args": (each.key,)}
    with left:
        end = Knob(**vars(each) | {"key": f"end {each.key}", "kind": "number"})
        widget(end, f"{each.title.capitalize()} ends at", "Its value at the last step.", last, **more)
    with right:
        st.selectbox(
            "By", SHAPES, SHAPES.index(shape), key=f"shape {each.key}", help="A straight line, or half a cosine: slow, fast, slow.", **more
        )
    st.html(picture(schedule, start, widgets.now.flat["steps"], each.title))
    widgets.messages(name)


def picture(schedule: Schedule, start: float, steps: int, title: str) -> str:
    """The course of a knob as an SVG picture: start at the left, end at the right."""
    values = [schedule.value(start, i / (POINTS - 1)) for i in range(POINTS)]
    span = abs(schedule.end - start)
    low, span = (min(start, schedule.end), span) if span else (start - 0.5, 1.0)  # flat: through the middle
    places = " ".join(
        f"{i / (POINTS - 1) * WIDTH:.1f},{HEIGHT - 4 - (value - low) / span * (HEIGHT - 8):.1f}" for i, value in enumerate(values)
    )
    alt = f"{title}: {start:.4g} at step 1, {schedule.end:.4g} at step {steps}, {schedule.shape}"
    color = st.get_option("theme.chartCategoricalColors")[0]  # a picture does not know the page's theme
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none">'
        f'<polyline points="{places}" fill="none" stroke="{color}" stroke-width="2" vector-effect="non-scaling-stroke"/></svg>'
    )
    source = address("svg+xml", svg.encode())  # pages may hold no SVG but as a picture
    words = '<figcaption style="display:flex;justify-content:space-between;font-size:.75rem;opacity:.7">'
    return (
        f'<figure style="margin:0"><img src="{source}" alt="{alt}" style="width:100%;height:{HEIGHT}px">'
        f"{words}<span>{start:.4g} at step 1</span><span>{schedule.end:.4g} at step {steps}</span></figcaption></figure>"
    )


@uninterrupted
def _choose() -> None:
    """Knobs were added or taken out; a new one starts as a line to where it is, for its end to be moved."""
    now, chosen = settings(), st.session_state[CHOSEN]
    kept = {key: value for key, value in now.flat.items() if not key.startswith(PREFIX) or key.removeprefix(PREFIX) in chosen}
    now.flat = kept | {PREFIX + key: f"linear {now.flat[key]:.12g}" for key in chosen if PREFIX + key not in kept}
    now.problems = {key: problem for key, problem in now.problems.items() if not key.startswith(PREFIX)}


@uninterrupted
def _change(key: str) -> None:
    now = settings()
    schedule = Schedule(st.session_state[f"shape {key}"], float(st.session_state[f"end {key}"]))
    now.flat = now.flat | {PREFIX + key: str(schedule)}
