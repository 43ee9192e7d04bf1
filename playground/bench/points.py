"""How smoothly a browser moves a map of many points, and how soon it finds the one under the pointer.

A real Chromium without a graphics card draws the map that all pages share (`assets/points/`), 1,000 x 600 CSS pixels, points gliding from
layout to layout. Needs Playwright and Chromium; without them each row says so.
"""

from __future__ import annotations

import mimetypes
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from playground.bench.browser import NoBrowserError, chromium
from playground.home import site

GOAL_HOVER = 4.0  # milliseconds
ORIGIN = "http://points.bench/"
MEASURE = "async (what) => (await import('/assets/points/measure.js')).measure(what)"


class Map(NamedTuple):
    """What is measured. ratio: pixels of the screen per CSS pixel; goal: frames a second."""

    points: int
    ratio: int
    goal: float


MAPS = {"map_50000": Map(50_000, 1, 30.0), "map_50000_fine": Map(50_000, 2, 20.0), "map_10000": Map(10_000, 1, 60.0)}


def rows(seconds: float, painter: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """A row a map: frames a second over their goal, and the 95th percentile of the milliseconds that a search takes, as `hover`.

    painter: "webgl" or "raster"; "" is what pages take.
    """
    options = ["--enable-unsafe-swiftshader"] if painter == "webgl" else []
    try:
        with chromium(*options) as browser:
            for name, what in MAPS.items():
                yield name, _measured(browser, what, seconds, painter)
    except NoBrowserError as reason:
        for name in MAPS:
            yield name, {"ratio": None, "absent": str(reason), "unit": "frames/s", "runs": 1}


def _measured(browser: Any, what: Map, seconds: float, painter: str) -> dict[str, Any]:
    page = browser.new_page(device_scale_factor=what.ratio, viewport={"width": 1040, "height": 640})
    page.route(f"{ORIGIN}**", _serve)
    page.goto(ORIGIN)
    asked = {"count": what.points, "width": 1000, "height": 600, "seconds": max(seconds, 1.0), "painter": painter}
    found = page.evaluate(MEASURE, asked)
    page.close()
    made_of = {"frames": found["fps"], "goal": what.goal, "hover": found["hover"], "unit": "frames/s; hover in ms"}
    return {"ratio": found["fps"] / what.goal, **made_of, "painter": found["kind"], "runs": 1}


def _serve(route: Any) -> None:
    """An empty page, and the scripts of assets/."""
    path = site() / urlsplit(route.request.url).path.lstrip("/")
    if path.is_file():
        route.fulfill(path=path, content_type=mimetypes.guess_type(path.name)[0] or "text/plain")
    else:
        route.fulfill(body="<!doctype html>", content_type="text/html")
