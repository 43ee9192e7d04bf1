"""The bench's rows of maps: measured in a browser, or a sentence why not."""

import os
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from playground.bench import browser, points


def test_without_a_browser_each_row_says_so(monkeypatch):
    monkeypatch.setattr(browser.shutil, "which", lambda name: None)
    found = dict(points.rows(0.1))
    assert list(found) == list(points.MAPS) and all(row["ratio"] is None for row in found.values())
    assert {row["absent"] for row in found.values()} <= {browser.NEEDS_CHROMIUM, browser.NEEDS_PLAYWRIGHT}


def test_without_playwright_each_row_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "playwright.sync_api", None)
    assert {row["absent"] for _, row in points.rows(0.1)} == {browser.NEEDS_PLAYWRIGHT}


@pytest.mark.slow
@pytest.mark.parametrize("painter", ["raster", "webgl"])
def test_a_browser_that_is_there_moves_the_points(monkeypatch, painter):
    monkeypatch.setattr(points, "MAPS", {"map_200": points.Map(200, 1, 60.0)})
    with ThreadPoolExecutor(1) as aside:  # Playwright allows one of its kind a thread, and other tests may have theirs in this one
        [(_, row)] = aside.submit(lambda: list(points.rows(1.0, painter))).result()
    if row["ratio"] is None and os.environ.get("SSL_PLAYGROUND_REQUIRE_BROWSER") != "1":
        pytest.skip(row["absent"])
    assert row["frames"] > 2 and row["ratio"] == row["frames"] / 60 and 0 <= row["hover"] < 100
    assert row["painter"] == {"raster": "RasterPainter", "webgl": "WebGLPainter"}[painter]
