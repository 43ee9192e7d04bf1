"""A real Chromium without a window, driven by Playwright, for what only a browser can measure."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

NEEDS_PLAYWRIGHT = "playwright is not installed: pip install playwright"
NEEDS_CHROMIUM = "no Chromium on this machine"
NAMES = ("chromium", "chromium-browser", "google-chrome")
OPTIONS = ("--no-sandbox", "--disable-gpu")
QUIET = ("--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run")


class NoBrowserError(Exception):
    """There is none here; the message is a sentence that says why."""


@contextmanager
def chromium(*options: str) -> Iterator[Any]:
    """A browser. Raises NoBrowserError without Playwright or Chromium."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        raise NoBrowserError(NEEDS_PLAYWRIGHT) from None
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        raise NoBrowserError(NEEDS_CHROMIUM)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*OPTIONS, *options])
        try:
            yield browser
        finally:
            browser.close()
