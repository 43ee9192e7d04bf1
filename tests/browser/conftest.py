"""The real server and a real Chromium. Without either these tests say why they are skipped, unless they are required."""

import json
import os
import shutil
import urllib.request
from contextlib import suppress
from urllib.parse import urlsplit

import pytest

from playground.glossary import collected
from playground.ui import ASSETS
from support.serving import serving

REQUIRED = os.environ.get("SSL_PLAYGROUND_REQUIRE_BROWSER") == "1"
QUIET = ["--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"]
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
        if route.request.url.endswith("/assets/definitions.json"):
            return route.fulfill(json={name: vars(each) for name, each in collected().items()})
        path = ASSETS / urlsplit(route.request.url).path.removeprefix("/assets/")
        route.fulfill(path=path) if path.is_file() else route.fulfill(body="<!doctype html>", content_type="text/html")

    page = chromium.new_page()
    page.route("http://scripts.test/**", give)
    page.goto("http://scripts.test/")
    yield page
    page.close()


@pytest.fixture(scope="session")
def server(chromium, tmp_path_factory):
    """The app on a port of its own; the address of its page. All tests share it."""
    with serving(tmp_path_factory.mktemp("home")) as address:
        yield address


@pytest.fixture
def desk(chromium, server):
    """Opens a page at a size and with settings; afterwards the browser's console must be free of errors.

    until: what has to be there. refused: a part of those addresses that the test expects the server to refuse.
    """
    contexts, complaints = [], []

    def open_page(width=1440, height=900, context=None, path="", until=".ssl-status:not(:empty)", refused="", **query):
        def complain(message):
            # Streamlit looks for its own addresses beside the page's at first, and finds them one folder up.
            url = message.location.get("url", "")
            if message.type == "error" and "/_stcore/" not in url and not (refused and refused in url):
                complaints.append(message.text)

        if context is None:
            context = chromium.new_context(viewport={"width": width, "height": height})
            contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.on("console", complain)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(f"{server}{path}?" + "&".join(f"{key}={value}" for key, value in query.items()))
        page.wait_for_selector(until)
        return page

    yield open_page
    for context in contexts:
        context.close()
    end_what_trains(chromium, server)
    assert complaints == []


def end_what_trains(chromium, server):
    """A test that failed must leave no run behind: those after it would wait for their turn."""
    active = ("queued", "running", "paused")
    for status in active:
        for run in _runs(server, status):
            page = chromium.new_page()
            page.goto(f"{server}?run={run}")
            page.wait_for_selector(".st-key-stop button")
            with suppress(Exception):  # Playwright's own timeout: it may end by itself meanwhile
                page.click(".st-key-stop button:enabled", timeout=5000)
            page.wait_for_selector(".st-key-stop button:disabled")
            page.close()


def _runs(server, status):
    with urllib.request.urlopen(f"{server}api/runs", timeout=60) as answer:
        return [each["id"] for each in json.load(answer)["runs"] if each["status"] == status]
