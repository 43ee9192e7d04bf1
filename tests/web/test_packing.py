"""Scripts are packed once and come out as they were."""

import asyncio
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from starlette.testclient import TestClient
from streamlit.file_util import get_static_dir

from playground.web.packing import HASHED, PackedOnce

SCRIPT = "const answer = 42\n" * 1000


@pytest.fixture
def client(tmp_path):
    (tmp_path / "static" / "js").mkdir(parents=True)
    (tmp_path / "static" / "js" / "index.Dx3_-9.js").write_text(SCRIPT)
    (tmp_path / "static" / "plain.txt").write_text(SCRIPT)
    app = Starlette(routes=[Mount("/", StaticFiles(directory=tmp_path))], middleware=[Middleware(PackedOnce)])
    return TestClient(app)


def test_a_script_is_packed_once_and_comes_out_as_it_was(client, tmp_path):
    path = "/static/js/index.Dx3_-9.js"
    for _ in range(2):
        answer = client.get(path)
        assert answer.text == SCRIPT and answer.headers["content-encoding"] == "gzip"
        assert int(answer.headers["content-length"]) < len(SCRIPT) / 50 and "Accept-Encoding" in answer.headers["vary"]
        (tmp_path / path[1:]).unlink(missing_ok=True)  # what is asked for again is not read again


@pytest.mark.parametrize("headers", [{"Accept-Encoding": "identity"}, {"Range": "bytes=0-4"}])
def test_who_takes_nothing_packed_or_a_part_gets_it_as_it_lies_there(client, headers):
    client.get("/static/js/index.Dx3_-9.js")
    answer = client.get("/static/js/index.Dx3_-9.js", headers=headers)
    assert "content-encoding" not in answer.headers
    assert answer.text == (SCRIPT[:5] if "Range" in headers else SCRIPT)


def test_what_is_not_there_or_no_script_passes(client):
    assert client.get("/static/js/gone.js").status_code == 404
    assert client.get("/static/js/gone.js").status_code == 404
    assert "content-encoding" not in client.get("/static/plain.txt").headers
    first = client.get("/static/js/index.Dx3_-9.js", headers={"Accept-Encoding": "identity"})
    assert client.get("/static/js/index.Dx3_-9.js", headers={"If-None-Match": first.headers["etag"]}).status_code == 304


def test_other_kinds_of_connection_pass():
    seen = []

    async def app(scope, receive, send):
        seen.append(scope["type"])

    with ThreadPoolExecutor(1) as elsewhere:  # a browser of other tests may keep a loop running here
        for kind in ("websocket", "lifespan"):
            elsewhere.submit(lambda kind=kind: asyncio.run(PackedOnce(app)({"type": kind, "path": "/static/js/a.js"}, None, None))).result()
    assert seen == ["websocket", "lifespan"]


def test_these_are_the_scripts_of_streamlit():
    page = Path(get_static_dir(), "index.html").read_text()
    scripts = re.findall(r'(?:src|href)="\.?(/static/(?:js|css)/[^"]+)"', page)
    assert scripts and all(HASHED.search(each) for each in scripts)
