"""What people have from before still opens: a home and links of 30 November 2026 (commit 6b27acf), written by that version."""

import re
import shutil
from pathlib import Path
from urllib.parse import parse_qsl

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from playground import RunConfig
from playground.events import Change
from playground.home import site
from playground.ui.settings import read
from playground.web.routes import routes
from support.opening import by_key, opened, sentences
from support.pools import pool_of_pages

OLD = Path(__file__).parent / "old"
LINKS = (OLD / "links.txt").read_text().splitlines()


@pytest.fixture(scope="module")
def pool(tmp_path_factory):
    home = tmp_path_factory.mktemp("old")
    shutil.unpack_archive(OLD / "home.zip", home)
    with pool_of_pages(home, workers=True) as pool:
        yield pool


@pytest.fixture(scope="module")
def run(pool):
    [found] = pool.store.runs()
    return found


@pytest.mark.slow
def test_an_old_run_is_listed_with_its_settings_changes_and_files(pool, run):
    assert (run.status, run.flat["data"], run.flat["schedule.augment.hue"]) == ("stopped", "own-tints", "linear 0.1")
    [change] = pool.store.changes(run.id)
    assert (change.name, change.value) == ("method.temperature", 0.5) and isinstance(change, Change)
    assert RunConfig(**run.flat).flat() == run.flat
    assert pool.store.folder(run.id).checkpoint()[0] == run.step
    web = TestClient(Starlette(routes=routes(lambda: pool)))
    kinds = {entry[1] for entry in web.get(f"/api/runs/{run.id}/events").json()}
    assert {"started", "metrics", "snapshot", "change", "verdict", "finished"} <= kinds
    steps = [each["step"] for each in web.get(f"/api/runs/{run.id}/snapshots").json()["snapshots"]]
    assert steps and web.get(f"/api/runs/{run.id}/snapshots/{steps[0]}").status_code == 200
    for path in ("sprites.png", f"map/{steps[-1]}?kind=pca", "geometry", "evaluation"):
        assert web.get(f"/api/runs/{run.id}/{path}").status_code == 200, path


@pytest.mark.slow
@pytest.mark.parametrize("page", sorted(path.name for path in (site() / "pages").glob("*.py")))
def test_every_page_opens_with_an_old_run(run, page):
    found = opened(page, run=run.id)
    assert sentences(found) == [], page


@pytest.mark.slow
def test_an_old_run_goes_on(pool, run):
    page = opened(run=run.id)
    by_key(page, "button", "pause").click()
    page.run()
    deadline = 600
    while pool.store.run(run.id).step <= run.step + 2 and (deadline := deadline - 1):
        assert pool.store.run(run.id).status != "failed", pool.store.run(run.id).message
        pool._closing.wait(0.1)
    assert pool.store.run(run.id).step > run.step + 2
    pool.stop(run.id)


@pytest.mark.parametrize("link", LINKS, ids=lambda link: re.search("method=([^&]*)", link)[1])
def test_an_old_link_means_what_it_says(link):
    query = dict(parse_qsl(link, keep_blank_values=True))
    found = read(query)
    assert not found.problems and not found.ignored
    assert {key: found.address(None)[key] for key in query} == query
