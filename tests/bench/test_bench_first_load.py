"""The bench's rows of a visit: counted as the browser counts, or a sentence why not."""

import http.server
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from playground.bench import browser, first_load

SCRIPT = b"// " + b"a" * 50_000
PAGE = b"""<!doctype html><script src="kept.js"></script><script src="asked.js"></script>
<div class="ssl-recorded-pair"><input class="ssl-scrub" type="range" value="0"></div>
<script>
setTimeout(() => document.querySelector("input").value = 1, 300)
setTimeout(() => document.body.insertAdjacentHTML("beforeend", '<p class="st-key-start"><button>Start</button></p>'), 600)
const waiting = setInterval(() => { if (window.moved) clearInterval(waiting), import("./late.js") }, 50)
</script>"""


class Site(http.server.BaseHTTPRequestHandler):
    """A page with a script that is kept for good, one that is asked for again, and one that comes after something has moved."""

    protocol_version = "HTTP/1.1"  # a browser ignores the tags of an older one

    def do_GET(self):
        known = self.headers.get("If-None-Match") and "asked" in self.path
        body = b"" if known else SCRIPT if self.path.endswith(".js") else PAGE
        self.send_response(304 if known else 200)
        self.send_header("Cache-Control", "no-cache" if "asked" in self.path else "max-age=1000" if "kept" in self.path else "no-store")
        self.send_header("ETag", '"1"')
        self.send_header("Content-Type", "text/javascript" if self.path.endswith(".js") else "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def site():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site)
    server.daemon_threads = True  # a browser keeps its connections
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.slow
@pytest.mark.parametrize("lacks", ["chromium", "playwright"])
def test_without_a_browser_each_row_says_so(monkeypatch, lacks):
    monkeypatch.setattr(browser.shutil, "which", lambda name: None)
    if lacks == "playwright":
        monkeypatch.setitem(sys.modules, "playwright.sync_api", None)
    found = dict(first_load.rows(1))
    assert list(found) == list(first_load.ROWS)
    assert {row["absent"] for row in found.values()} <= {browser.NEEDS_CHROMIUM, browser.NEEDS_PLAYWRIGHT}


@pytest.mark.slow
def test_a_visit_counts_what_the_server_sent_and_until_something_moved(site, monkeypatch):
    monkeypatch.setattr(first_load, "SETTLED", 2000)

    def visits():
        with browser.chromium(*browser.QUIET) as chromium:
            return first_load.twice(chromium, site)

    with ThreadPoolExecutor(1) as aside:  # Playwright allows one of its kind a thread, and other tests may have theirs in this one
        try:
            cold, warm = aside.submit(visits).result()
        except browser.NoBrowserError as reason:
            if os.environ.get("SSL_PLAYGROUND_REQUIRE_BROWSER") == "1":
                raise
            pytest.skip(str(reason))
    pages = 1 + cold.requests - 4  # Chromium may also ask for an icon
    assert 1 <= pages <= 2 and warm.requests in (3, 4)  # the page, asked.js (304), late.js
    assert 100 < cold.before < 103 and 150 < cold.kilobytes < 153 + 51 * (pages - 1) and warm.before < 2
    assert min(cold.milliseconds, warm.milliseconds) >= 300 and min(cold.ready, warm.ready) >= 600


def test_a_row_is_a_median_over_its_goal():
    row = first_load._row([100.0, 300.0, 200.0], 400.0, "kB", requests=7.0)
    assert (row["ratio"], row["lowest"], row["highest"], row["found"], row["requests"], row["runs"]) == (0.5, 0.25, 0.75, 200.0, 7.0, 3)
