"""A page's headers name what it will need, and no others do."""

import re

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from playground.web import modules
from playground.web.hints import SCRIPT, Hinting, links

PAGE = {"Accept": "text/html,application/xhtml+xml"}


@pytest.fixture
def client():
    routes = [Route("/", lambda request: HTMLResponse("page")), Route("/kept/", lambda request: Response(status_code=304))]
    return TestClient(Starlette(routes=routes, middleware=[Middleware(Hinting)]))


def named(path, query=b""):
    return re.findall(rf"<{modules.address()}([^>]+)>; rel=(\w+)", ", ".join(links(path, query)))


def test_the_first_page_names_all_that_moves_on_it():
    found = dict(named("/"))
    assert {name for name, kind in found.items() if kind == "modulepreload"} == set(modules.preload("recorded-pair", SCRIPT))
    assert {name for name, kind in found.items() if kind == "preload"} == {"pages.css", "declared.json", "recorded/pair.json"}


@pytest.mark.parametrize(("path", "query"), [("/", b"seed=1&run=abcd2345"), ("/embeddings", b"")])
def test_a_page_on_which_the_recording_does_not_play_names_what_all_pages_need(path, query):
    found = [name for name, _ in named(path, query)]
    assert "live.js" in found and "pages.css" in found and "recorded/pair.json" not in found and "panels/recorded_pair.js" not in found


def test_only_what_a_browser_shows_as_a_page_has_the_header(client):
    assert client.get("/", headers=PAGE).headers["link"] == client.get("/kept/", headers=PAGE).headers["link"] == ", ".join(links("/"))
    assert "link" not in client.get("/", headers={"Accept": "*/*"}).headers
    assert "link" not in client.get("/none", headers=PAGE).headers


def test_the_header_passes_proxies_which_take_four_kilobytes_of_headers_by_default():
    assert len(", ".join(links("/"))) < 3000
