"""The contact sheet of a dataset: what `playground.datasets.summary` found, packed for the panel that draws it."""

from __future__ import annotations

import io
from typing import Any

import streamlit as st
from PIL import Image
from torch import Tensor

from playground.datasets import Images
from playground.datasets.summary import Row, by_label, colors, everything
from playground.ui import live
from playground.views.pictures import address

EXAMPLES = 40  # in the row of a label; as many as fit are seen
ALONE = 240  # where there is only one row
CRISP = 64  # up to this side in pixels pictures are kept exactly


def draw(data: Any, train: Images, probe: Images, factor: str | None, number: int) -> None:
    """data: `config.data`; factor: None for all images in one grid; number: which examples."""
    live.static_panel(
        "contact-sheet",
        **_packed(data.model_dump_json() + data.name, len(train), factor, number, train, probe),
        test=data.choice.test_count,
    )


def numbers(data: Any) -> None:
    """The histogram of pictures with more than 8 bits, and which numbers are black and white; nothing where there are none."""
    measured, shown = data.choice.measured, data.choice.pixel_range(data)
    if measured and shown:
        guessed = measured.guessed and shown == measured.range
        more = {"counts": measured.counts, "first": measured.first, "last": measured.last}
        live.static_panel("numbers", low=shown.low, high=shown.high, guessed=guessed, **more)


@st.cache_data(max_entries=64, show_spinner="Looking at the images")
def _packed(data: str, count: int, factor: str | None, number: int, _train: Images, _probe: Images) -> dict[str, Any]:
    """`data` and `count` stand for the images, which are too large to compare."""
    rows = by_label(_train, _probe, factor, EXAMPLES, number) if factor else []
    mean, spread = colors(_train)
    return {
        "whole": _row(everything(_train, _probe, 0 if factor else ALONE, number)),
        "rows": [_row(each) for each in rows],
        "factor": factor,
        "side": _train.pixels.shape[-1],
        "mean": mean,
        "spread": spread,
    }


def _row(row: Row) -> dict[str, Any]:
    counts = {"name": row.name, "count": row.count, "probe": row.probe_count, "shown": len(row.examples)}
    return counts | {"mean": picture(row.mean[None]), "examples": picture(row.examples)}


def picture(tiles: Tensor) -> str:
    """(K, 3, H, W) uint8 -> the tiles side by side, as an address that holds the picture itself; empty where there is none."""
    if not len(tiles):
        return ""
    strip = Image.fromarray(tiles.permute(2, 0, 3, 1).flatten(1, 2).numpy())
    file = io.BytesIO()
    strip.save(file, "WEBP", lossless=tiles.shape[-1] <= CRISP, quality=88, method=1)
    return address("webp", file.getvalue())
