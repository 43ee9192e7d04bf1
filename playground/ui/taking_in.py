"""Pictures on their way into a set, with a bar on the page."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from typing import Any

import streamlit as st

from playground.datasets import DataError
from playground.home import HomeError, home, keeping
from playground.ui.controls import plain


def taken_in(steps: Generator[Any, None, None]) -> bool:
    """Works off the steps of an intake under a bar. False where it was refused; the sentence then stands on the page."""
    bar = st.progress(0.0, "Looking")
    try:
        with keeping(home()), closing(steps):
            for step in steps:
                bar.progress(step.done / step.total if step.total else 0.0, f"{plain(step.what)}: {step.done:,} of {step.total:,}")
    except (DataError, HomeError) as error:
        bar.empty()
        st.error(plain(str(error)), icon=":material/error:")
        return False
    return True
