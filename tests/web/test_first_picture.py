"""The page that a browser opens brings the recorded pair with it, before Streamlit's scripts; whatever else is answered stays as it is."""

import json
import re
from pathlib import Path

import pytest
import streamlit
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from playground.web import modules
from playground.web.first_picture import FirstPicture, config, with_picture

INDEX = (Path(streamlit.__file__).parent / "static" / "index.html").read_text()
ACCEPT = {"Accept": "text/html,application/xhtml+xml"}


@pytest.fixture
def client():
    def index(request):
        if "if-none-match" in request.headers:
            return Response(status_code=304)
        return HTMLResponse(INDEX, headers={"ETag": '"kept"', "Last-Modified": "Tue, 01 Dec 2026 00:00:00 GMT"})

    routes = [
        Route("/", index),
        Route("/embeddings", index),
        Route("/other", lambda request: HTMLResponse("<p>another page</p>")),
        Route("/numbers", lambda request: JSONResponse({"text": INDEX})),
    ]
    return TestClient(Starlette(routes=routes, middleware=[Middleware(FirstPicture)]))


def test_the_picture_comes_before_the_scripts_of_streamlit():
    page = with_picture(INDEX, moves=True)
    ours, theirs = page.index(f"{modules.address()}first_picture.js"), page.index("./static/js/index.")
    assert page.index(f"{modules.address()}pages.css") < ours < theirs
    assert page.index('id="root"') < page.index('id="first-picture"') < page.index("</body>")
    assert "<title>SSL Playground</title>" in page


def test_streamlit_begins_with_our_themes():
    for page in (with_picture(INDEX, moves=moves) for moves in (True, False)):
        themes = json.loads(re.search(r"window.__streamlit = (.*?)</script>", page)[1])
        assert themes["DARK_THEME"]["backgroundColor"] == config()["dark"]["backgroundColor"]
        assert themes["LIGHT_THEME"]["bodyFont"] == config()["font"] and page.index("window.__streamlit") < page.index("<script type=")


def test_the_font_that_is_not_used_is_not_loaded():
    assert 'as="font"' in INDEX
    assert all('as="font"' not in with_picture(INDEX, moves=moves) for moves in (True, False))
    assert "first-picture" not in with_picture(INDEX, moves=False)


@pytest.mark.parametrize("page", ["", "<p>Not the page of Streamlit</p></body>", "<script></script>"])
def test_a_page_that_looks_otherwise_stays_as_it_is(page):
    assert with_picture(page, moves=True) == page


def test_only_the_first_page_has_it_and_a_browser_gets_it_whole(client):
    first = client.get("/", headers=ACCEPT | {"If-None-Match": '"kept"'})
    assert first.status_code == 200 and first.text == with_picture(INDEX, moves=True)
    assert first.headers["content-encoding"] == "gzip" and not {"etag", "last-modified"} & set(first.headers)
    plain = client.get("/", headers=ACCEPT | {"Accept-Encoding": "identity"})
    assert plain.content == first.content and int(plain.headers["content-length"]) == len(plain.content)
    for path in ("/?run=abcd2345", "/embeddings"):
        assert client.get(path, headers=ACCEPT).text == with_picture(INDEX, moves=False)


def test_all_else_is_answered_as_it_was(client):
    assert client.get("/", headers={"Accept": "*/*"}).text == INDEX
    assert client.get("/other", headers=ACCEPT).text == "<p>another page</p>"
    assert client.get("/numbers", headers=ACCEPT).json() == {"text": INDEX}
    assert client.get("/none", headers=ACCEPT).status_code == 404
