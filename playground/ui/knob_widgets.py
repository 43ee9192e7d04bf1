"""The widget that suits a knob, and text that is safe to show."""

from __future__ import annotations

import math
import re
from typing import Any

import streamlit as st

from playground.knobs import Knob

MANTISSAS = (1, 1.5, 2, 3, 5, 7)  # the stops of a logarithmic slider within each factor of ten


def plain(text: str) -> str:
    """A sentence that may hold what somebody typed into an address -> markdown that shows it as it is; a command in `backticks` as code.

    In code nothing else is markup, so that what was typed is none there either.
    """
    parts = re.split(r"(?<!`)(`[^`\n]+`)(?!`)", text)
    return "".join(each if i % 2 else re.sub(r"([\\`*\[\]$<>~])", r"\\\1", each) for i, each in enumerate(parts))


def widget(each: Knob, label: str, help: str, value: Any, **calls: Any) -> None:
    """The widget that suits a knob. value: what `sync` has set, its default as well."""
    more = {"key": each.key, "help": help, **calls}
    now = st.session_state.get(each.key, value)
    if not _holds(each, value):  # its page came into view with another method's knob of this name
        value = now
    if each.kind == "name":  # nothing to choose from
        return
    if each.kind == "switch":
        st.toggle(label, value, **more)
    elif each.kind == "option":
        st.selectbox(label, each.options, each.options.index(value), **more)
    elif each.kind == "integer":
        # Without bounds: the browser would drop a value out of range in silence, and we say in a sentence what is wrong with it.
        st.number_input(label, value=value, step=1, **more)
    elif each.low is None:  # any number at all
        st.number_input(label, value=float(value), step=None, format="%.8g", **more)
    elif each.log:
        st.select_slider(label, stops(each, value, now), float(value), format_func=lambda stop: f"{stop:.4g}", **more)
    elif 0 < each.default < slider_step(each):
        st.number_input(label, value=float(value), step=float(each.default), format="%.4g", **more)
    else:
        st.slider(label, float(each.low or 0), float(each.high or 0), float(value), step=slider_step(each), format="%.4g", **more)


def _holds(each: Knob, value: Any) -> bool:
    """Whether a knob can have this value."""
    return value in each.options if each.options else each.low is None or each.high is None or each.low <= value <= each.high


def slider_step(each: Knob) -> float:
    """About a hundred steps over the range, each a round number; ten times as many where the default would lie between two."""
    rough = ((each.high or 0) - (each.low or 0)) / 100
    power = 10 ** math.floor(math.log10(rough))
    step = power * next(nice for nice in (1, 2, 5, 10) if rough <= power * nice * 1.0001)
    places = (each.default - (each.low or 0)) / step
    return float(f"{step / 10 if places > 1 and abs(places - round(places)) > 1e-6 else step:.6g}")


def stops(each: Knob, *values: float) -> list[float]:
    """The stops of a logarithmic slider; the present value is one of them, however odd, so that nothing is rounded away."""
    low, high = float(each.low or 0), float(each.high or 0)
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    grid = {float(f"{mantissa}e{power}") for power in powers for mantissa in MANTISSAS}
    return sorted({stop for stop in grid if low <= stop <= high} | {low, high, float(each.default), *map(float, values)})
