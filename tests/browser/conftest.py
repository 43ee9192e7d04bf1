"""The real server and a real Chromium. Without either these tests say why they are skipped, unless they are required."""

import json
import os
import re
import shutil
import urllib.request
from collections import Counter, defaultdict
from contextlib import suppress
from urllib.parse import urlsplit

import pytest

from playground import RunConfig
from playground.runs.store import Store
from playground.ui import ASSETS
from playground.web.modules import declared
from support.serving import serving
from support.trainings import tiny_config, trained

REQUIRED = os.environ.get("SSL_PLAYGROUND_REQUIRE_BROWSER") == "1"
# What Playwright switches off, and what a new window makes ready for an address that nobody types, a fifth of all that opening takes.
OFF = "AvoidUnnecessaryBeforeUnloadCheckSync,DestroyProfileOnBrowserClose,HttpsUpgrades,HttpsFirstBalancedModeAutoEnable,LensOverlay"
OFF += ",MediaRouter,PaintHolding,ThirdPartyStoragePartitioning,AvoidCorsURLLoaderRestartOnRedirect,OptimizationHints,AimEnabled"
OFF += ",NetworkTimeServiceQuerying,PreconnectToSearch,WebUIOmniboxPopup,WebUIOmniboxAimPopup,WebUIOmniboxFullPopup"
QUIET = ["--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run", f"--disable-features={OFF}"]
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def _absent(reason):
    if REQUIRED:
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def chromium():
    """A browser without a window."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        _absent("playwright is not installed")
    if CHROMIUM is None:
        _absent("no Chromium on this machine")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", *QUIET])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def scripts(chromium):
    """An empty page that can import the scripts of assets/, without a server."""

    def give(route):
        if route.request.url.endswith("/declared.json"):
            return route.fulfill(body=declared(), content_type="application/json")
        path = ASSETS / re.sub(r"^/assets/(v/\w+/)?", "", urlsplit(route.request.url).path)
        route.fulfill(path=path) if path.is_file() else route.fulfill(body="<!doctype html>", content_type="text/html")

    page = chromium.new_page()
    page.route("http://scripts.test/**", give)
    page.goto("http://scripts.test/")
    yield page
    page.close()


RUNS = {  # what tests look at that start none themselves: trained before the server starts, which is quicker than in a browser
    "simclr": tiny_config(steps=6),
    "small batch": tiny_config(batch_size=16, steps=3),
    "mae": RunConfig(method="mae", batch_size=16, steps=4, device="cpu"),
    "npair": tiny_config(method="npair", steps=3),
    "npair again": tiny_config(method="npair", steps=3, seed=1),
    "contrastive": tiny_config(batch_size=32, steps=12),
    "healthy": tiny_config(method="simsiam", steps=12),
    "broken": tiny_config(method="simsiam", steps=12, **{"method.stop_gradient": False}),
}


@pytest.fixture(scope="session")
def served(chromium, tmp_path_factory):
    """The app on a port of its own, in a home with some runs. All tests share it."""
    home = tmp_path_factory.mktemp("home")
    store, runs = Store(home), {}
    for name, config in RUNS.items():
        runs[name] = trained(store, config, beside=runs["healthy"] if name == "broken" else "")
    store.close()
    with serving(home) as address:
        yield address, runs


@pytest.fixture(scope="session")
def server(served):
    """The address of its page."""
    return served[0]


@pytest.fixture(scope="session")
def runs(served):
    """The ids of its runs."""
    return served[1]


@pytest.fixture(scope="session")
def profiles(chromium):
    """A browser for each visitor and size of window, by number: what one test has loaded the next need not load again."""
    return defaultdict(list)


@pytest.fixture
def desk(chromium, server, profiles):
    """Opens a page at a size and with settings; afterwards the browser's console must be free of errors.

    until: what has to be there. refused: a part of those addresses that the test expects the server to refuse.
    """
    taken, complaints = Counter(), []

    def visitor(width, height):
        """A browser that no other page of this test has."""
        kept, number = profiles[width, height], taken[width, height]
        taken[width, height] += 1
        if number == len(kept):
            kept.append(chromium.new_context(viewport={"width": width, "height": height}))
        return kept[number]

    def open_page(width=1440, height=900, context=None, path="", until=".ssl-status:not(:empty)", refused="", **query):
        def complain(message):
            # Streamlit looks for its own addresses beside the page's at first, and finds them one folder up.
            url = message.location.get("url", "")
            if message.type == "error" and "/_stcore/" not in url and not (refused and refused in url):
                complaints.append(message.text)

        page = (context or visitor(width, height)).new_page()
        page.set_default_timeout(60_000)
        page.on("console", complain)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(f"{server}{path}?" + "&".join(f"{key}={value}" for key, value in query.items()))
        page.wait_for_selector(until)
        return page

    yield open_page
    for size, count in taken.items():
        for context in profiles[size][:count]:
            for page in context.pages:
                page.close()
            context.clear_cookies()
    end_what_trains(chromium, server)
    assert complaints == []


def end_what_trains(chromium, server):
    """A test that failed must leave no run behind: those after it would wait for their turn."""
    for run in _active(server):
        page = chromium.new_page()
        page.goto(f"{server}?run={run}")
        page.wait_for_selector(".st-key-stop button")
        with suppress(Exception):  # Playwright's own timeout: it may end by itself meanwhile
            page.click(".st-key-stop button:enabled", timeout=5000)
        page.wait_for_selector(".st-key-stop button:disabled")
        page.close()


def _active(server):
    """The runs that wait come first: none of them may take the place of one that ends."""
    with urllib.request.urlopen(f"{server}api/runs", timeout=60) as answer:
        runs = json.load(answer)["runs"]
    return [each["id"] for status in ("queued", "running", "paused") for each in runs if each["status"] == status]
