"""What a visit of the Train page takes: requests, bytes on the wire, and the time until something moves; and how late news arrive there.

    python -m playground.bench.first_load

A real Chromium visits a real server. Cold: a browser that was never here; warm: the same browser once more. Bytes are those that went
over the wire, packed and with their headers, those of WebSockets included. Something moves when the slider of the recorded pair does;
the page is ready when Start can be pressed.
"""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from playground.bench.browser import QUIET, NoBrowserError, chromium
from playground.bench.serving import serving

GOAL_COLD = 1800.0  # kB
GOAL_BEFORE = 1200.0  # kB before something moves
GOAL_WARM = 50.0  # kB
GOAL_HERE = 1000.0  # milliseconds until something moves, on this machine
GOAL_FAR = 3000.0  # milliseconds over the slower line
GOAL_BEHIND = 250.0  # milliseconds: panels draw what is new so often
FAR = {"latency": 40, "downloadThroughput": 10e6 / 8, "uploadThroughput": 10e6 / 8}  # milliseconds there and back; bytes a second
GOAL_READY = 4000.0  # milliseconds until Start can be pressed: what a page without the first picture took until something moved
ROWS = ("first_load_cold", "first_load_before", "first_load_warm", "first_load_here", "first_load_ready", "first_load_far", "news_behind")
SETTLED = 4000  # milliseconds after something moves: then nothing more is loaded
PATIENCE = 120_000  # milliseconds
FOLLOWED = 15.0  # seconds of a run
# Runs in the page before its own scripts: `moved`, milliseconds from the visit's begin, and `delays`, milliseconds for each metric.
EARLY = """
window.delays = []
const Plain = window.WebSocket
window.WebSocket = class extends Plain {
  constructor(address, ...more) {
    super(address, ...more)
    if (!String(address).endsWith("/api/ws")) return
    this.begun = {}
    this.addEventListener("message", ({ data }) => {
      const { run, events = [] } = JSON.parse(data)
      for (const [, kind, , at] of events) if (kind === "metrics" && 1000 * at > this.begun[run]) delays.push(Date.now() - 1000 * at)
    })
  }
  send(message) {
    const { watch } = this.begun ? JSON.parse(message) : {}
    if (watch) this.begun[watch] ??= Date.now()
    super.send(message)
  }
}
const look = () => {
  window.moved = +document.querySelector(".ssl-recorded-pair .ssl-scrub")?.value > 0 ? performance.now() : 0
  if (window.moved) window.somethingMoved?.()
  else requestAnimationFrame(look)
}
const wait = () => {
  window.ready = document.querySelector(".st-key-start button:enabled") ? performance.now() : 0
  if (!window.ready) requestAnimationFrame(wait)
}
requestAnimationFrame(wait)
requestAnimationFrame(look)
"""


class Visit(NamedTuple):
    """Of one visit: requests, and kB in all and before something moved; milliseconds until that, and until Start could be pressed."""

    requests: int
    kilobytes: float
    before: float
    milliseconds: float
    ready: float


def rows(visits: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Rows of the bench: medians of so many visits, and what they are over their goals."""
    try:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home, chromium(*QUIET) as browser, serving(Path(home)) as server:
            yield from _rows(browser, server.address, visits)
    except (NoBrowserError, RuntimeError) as reason:
        for name in ROWS:
            yield name, {"ratio": None, "absent": str(reason), "unit": "", "runs": 0}


def _rows(browser: Any, address: str, visits: int) -> Iterator[tuple[str, dict[str, Any]]]:
    twice(browser, address)  # the server packs its scripts at first
    pairs = [twice(browser, address) for _ in range(visits)]
    cold, warm = [first for first, _ in pairs], [second for _, second in pairs]
    yield "first_load_cold", _row([each.kilobytes for each in cold], GOAL_COLD, "kB", requests=_median(each.requests for each in cold))
    yield "first_load_before", _row([each.before for each in cold], GOAL_BEFORE, "kB")
    yield "first_load_warm", _row([each.kilobytes for each in warm], GOAL_WARM, "kB", requests=_median(each.requests for each in warm))
    yield "first_load_here", _row([each.milliseconds for each in cold], GOAL_HERE, "ms", warm=_median(each.milliseconds for each in warm))
    again = _median(each.ready for each in warm)
    yield "first_load_ready", _row([each.ready for each in cold], GOAL_READY, "ms", warm=again)
    far = [twice(browser, address, FAR) for _ in range(visits)]
    again = _median(second.milliseconds for _, second in far)
    yield "first_load_far", _row([first.milliseconds for first, _ in far], GOAL_FAR, "ms", warm=again)
    late = behind(browser, address, FOLLOWED)
    ordered = sorted(late)
    p95 = ordered[int(0.95 * (len(ordered) - 1))]
    made_of = {"p95": p95, "median": statistics.median(late), "goal": GOAL_BEHIND, "unit": "ms"}
    yield "news_behind", {"ratio": p95 / GOAL_BEHIND, **made_of, "runs": len(late)}


def twice(browser: Any, address: str, line: dict[str, float] | None = None) -> tuple[Visit, Visit]:
    """The first visit of a browser, and its second."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    found = visit(context, address, line), visit(context, address, line)
    context.close()
    return found


def visit(context: Any, address: str, line: dict[str, float] | None = None) -> Visit:
    """Opens the page and waits until something moves. line: Chromium's limits of the network; None: those of this machine."""
    page = context.new_page()
    wire = Wire(page)
    if line:
        wire.limit(line)
    page.add_init_script(EARLY)
    page.expose_function("somethingMoved", wire.mark)
    page.goto(address, wait_until="commit", timeout=PATIENCE)
    page.wait_for_function("window.moved && window.ready", timeout=PATIENCE)
    page.wait_for_timeout(SETTLED)
    found = Visit(wire.requests, wire.bytes / 1000, wire.marked / 1000, page.evaluate("window.moved"), page.evaluate("window.ready"))
    page.close()
    return found


class Wire:
    """Counts what goes over the wire of one page, as the browser tells it."""

    def __init__(self, page: Any) -> None:
        self.sockets, self.bytes, self.marked = 0, 0.0, 0.0
        self._kept: set[str] = set()  # requests that the browser answered by itself
        self._session = page.context.new_cdp_session(page)
        self._session.send("Network.enable")
        self._session.on("Network.requestServedFromCache", lambda event: self._kept.add(event["requestId"]))
        self._session.on("Network.responseReceived", self._received)
        self._session.on("Network.loadingFinished", self._finished)
        self._session.on("Network.webSocketCreated", self._socket)
        self._session.on("Network.webSocketFrameReceived", self._frame)
        self.asked: dict[str, str] = {}  # number of a request -> its address

    @property
    def requests(self) -> int:
        """How many were answered by the server, WebSockets included."""
        return len(self.asked) + self.sockets

    def limit(self, line: dict[str, float]) -> None:
        """From now on the line is no faster."""
        self._session.send("Network.emulateNetworkConditions", {"offline": False, **line})

    def mark(self, *_: Any) -> None:
        """Something moves."""
        self.marked = self.bytes

    def _received(self, event: dict[str, Any]) -> None:
        response = event["response"]
        own = response.get("fromDiskCache") or not response["url"].startswith("http") or event["requestId"] in self._kept
        if not own:
            self.asked[event["requestId"]] = response["url"]

    def _finished(self, event: dict[str, Any]) -> None:
        if event["requestId"] in self.asked:
            self.bytes += event["encodedDataLength"]

    def _socket(self, _: dict[str, Any]) -> None:
        self.sockets += 1

    def _frame(self, event: dict[str, Any]) -> None:
        """Bytes that are no text come in base64."""
        response = event["response"]
        self.bytes += len(response["payloadData"]) * (0.75 if response["opcode"] == 2 else 1)


def behind(browser: Any, address: str, seconds: float) -> list[float]:
    """Starts the default run, and gives for each of its metrics the milliseconds from its recording in the training to the page."""
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.add_init_script(EARLY)
    page.goto(address)
    page.click(".st-key-start button", timeout=PATIENCE)
    page.wait_for_function("window.delays.length", timeout=PATIENCE)
    page.wait_for_timeout(1000 * seconds)
    found: list[float] = page.evaluate("window.delays")
    page.click(".st-key-stop button")
    page.wait_for_selector(".st-key-stop button:disabled", timeout=PATIENCE)
    page.close()
    return found


def _row(found: Sequence[float], goal: float, unit: str, **more: float) -> dict[str, Any]:
    spread = {"lowest": min(found) / goal, "highest": max(found) / goal}
    middle = statistics.median(found)
    return {"ratio": middle / goal, **spread, "found": middle, "goal": goal, **more, "unit": unit, "runs": len(found)}


def _median(values: Iterator[float]) -> float:
    return float(statistics.median(values))


if __name__ == "__main__":
    begun = time.monotonic()
    for name, row in rows(3):
        print(f"{time.monotonic() - begun:.0f} s {name} {json.dumps(row)}", flush=True)
