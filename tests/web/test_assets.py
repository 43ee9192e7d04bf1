"""Our own files: kept for good under their version, asked for again elsewhere, and all that a panel needs known beforehand."""

import json
import re

import pytest
from plotly import graph_objects
from plotly.basedatatypes import BaseTraceType

from playground.home import site
from playground.web import modules
from support.serving import Served

ASSETS = site() / "assets"
PANELS = [path.stem for path in (ASSETS / "panels").glob("*.js") if "export default class" in path.read_text()]


@pytest.fixture(scope="module")
def http(tmp_path_factory):
    with Served(tmp_path_factory.mktemp("home"), under="/assets/") as served:
        yield served.http


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "panels").mkdir()
    (tmp_path / "a.js").write_text('import { b } from "./panels/b.js"\n')
    (tmp_path / "panels" / "b.js").write_text('import {\n  a,\n} from "../a.js"\nimport "../c.js"\n// import "./d.js"\nimport("./e.js")\n')
    (tmp_path / "c.js").write_text('export { x } from "./panels/f.js"\n/** @typedef {import("./g.js").G} G */\n')
    (tmp_path / "panels" / "f.js").write_text("export const x = 1\n")
    return tmp_path


@pytest.mark.parametrize("change", ["content", "name", "more"])
def test_the_version_changes_with_every_file(folder, change):
    before = modules.digest(folder)
    assert modules.digest(folder) == before and re.fullmatch("[0-9a-f]{12}", before)
    if change == "content":
        (folder / "panels" / "f.js").write_text("export const x = 2\n")
    elif change == "name":
        (folder / "c.js").rename(folder / "d.js")
    assert modules.digest(folder, b"more" * (change == "more")) != before


def test_what_a_script_imports_is_found_once_each_and_what_it_loads_later_is_not(folder):
    assert modules.closure(folder, "a.js") == ["a.js", "panels/b.js", "c.js", "panels/f.js"]


@pytest.mark.parametrize("panel", PANELS)
def test_a_panel_is_preloaded_with_everything_that_its_scripts_import(panel):
    found = modules.preload(panel.replace("_", "-"))
    assert found[0] == "live.js" and f"panels/{panel}.js" in found and len(set(found)) == len(found)
    for script in found:
        for named in re.findall(r'from "(\.[^"]+)"', (ASSETS / script).read_text()):
            assert ((ASSETS / script).parent / named).resolve().relative_to(ASSETS.resolve()).as_posix() in found


def test_a_panel_that_does_not_exist_is_refused():
    with pytest.raises(ValueError, match=r"^there is no panel no-panel: no assets/panels/no_panel\.js$"):
        modules.preload("no-panel")


@pytest.mark.parametrize("name", ["live.js", "panels/map.js", "recorded/pair.json", "plotly.js", "declared.json", "pages.css", "logo.svg"])
def test_under_its_version_a_file_is_packed_and_kept_for_good(http, name):
    answer = http.get(f"v/{modules.version()}/{name}")
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-encoding"] == "gzip" and answer.headers["vary"] == "Accept-Encoding"
    assert int(answer.headers["content-length"]) < len(answer.content)
    plain = http.get(f"v/{modules.version()}/{name}", headers={"Accept-Encoding": "identity"})
    assert plain.content == answer.content == http.get(name).content and "content-encoding" not in plain.headers
    assert plain.headers["content-type"] == answer.headers["content-type"] == http.get(name).headers["content-type"]
    if (ASSETS / name).is_file():
        assert answer.content == (ASSETS / name).read_bytes()


def test_a_picture_is_kept_for_good_as_it_is(http):
    answer = http.get(f"v/{modules.version()}/recorded/sprites.jpg")
    assert "immutable" in answer.headers["cache-control"] and "content-encoding" not in answer.headers
    assert answer.content == (ASSETS / "recorded" / "sprites.jpg").read_bytes()


@pytest.mark.parametrize("under", ["", "v/0123456789ab/"])
def test_without_a_version_and_under_an_old_one_the_file_of_today_is_given_but_not_kept(http, under):
    for name in ("live.js", "plotly.js", "declared.json", "pages.css", "recorded/pair.json"):
        answer = http.get(f"{under}{name}")
        assert answer.status_code == 200 and answer.headers["cache-control"] == "no-cache"
    tag = http.get(f"{under}live.js").headers["etag"]
    assert http.get(f"{under}live.js", headers={"If-None-Match": tag}).status_code == 304


def test_files_are_ours_alone(http):
    for under in ("", "v/0123456789ab/", f"v/{modules.version()}/"):
        for path in ("none.js", "..%2fpyproject.toml", "%2fetc/passwd", "..%2f..%2fapp.py", "panels"):
            assert http.get(under + path).status_code == 404
    assert json.loads(http.get("none.js").text)["error"] == "there is no such file"


@pytest.mark.slow
def test_plotly_has_what_the_charts_draw_and_nothing_else(http):
    text = http.get("plotly.js").text
    named = re.match(r"/\* plotly\.js v\d+\.\d+\.\d+: ([a-z, ]+)\.", text)[1].split(", ")
    known = {name.lower() for name in dir(graph_objects) if BaseTraceType in getattr(getattr(graph_objects, name), "__mro__", ())}
    scripts = [path.read_text() for path in modules.root().rglob("*.js")]
    drawn = known & {kind for script in scripts for kind in re.findall(r'\btype: "(\w+)"', script)}
    assert drawn == set(named) and len(text) > 1_000_000
