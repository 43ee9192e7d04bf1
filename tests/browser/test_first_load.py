"""What a visit takes: a page's own panels and no others, nothing again at the second visit, and a fresh start after an upgrade."""

from urllib.parse import urlsplit

import pytest

from playground.bench.first_load import EARLY, Wire, behind
from playground.ui.live import MOUNT
from playground.web import modules
from playground.web.hints import SCRIPT

pytestmark = pytest.mark.slow
MOVES = "+document.querySelector('.ssl-recorded-pair .ssl-scrub')?.value > 0"
DRAW = """async ([text, version]) => {
  const { default: mount } = await import(URL.createObjectURL(new Blob([text], { type: "text/javascript" })))
  const place = (window.place ??= document.body.appendChild(document.createElement("div")))
  const data = { panel: "numbers", run: null, counts: [1, 2], low: 0, high: 1, first: 0, last: 1 }
  mount({ data: { ...data, assets: `assets/v/${version}/`, preload: ["page.js"] }, parentElement: place, setStateValue() {} })
}"""


def visit(context, address):
    """The paths of what the server was asked for, until something moves and all has settled."""
    page = context.new_page()
    page.set_default_timeout(60_000)
    wire = Wire(page)
    page.add_init_script(EARLY)
    page.goto(address)
    page.wait_for_function(MOVES)
    page.wait_for_selector(".ssl-plane .js-plotly-plot")
    page.wait_for_load_state("networkidle")
    page.close()
    return [urlsplit(each).path for each in wire.asked.values()]


def test_the_second_visit_asks_for_nearly_nothing(chromium, server):
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    cold, warm = visit(context, server), visit(context, server)
    context.close()
    assert f"/{modules.address()}live.js" in cold and f"/{modules.address()}recorded/pair.json" in cold
    further = {path for path in warm if "/recorded/" in path and path not in cold}  # the recording plays: it may have come further
    assert len(warm) - len(further) <= 5 and not [path for path in warm if path.startswith("/assets/") and path not in further]
    assert len(cold) == len(set(cold)), "what is loaded ahead of time is asked for once"


def test_a_page_asks_for_the_panels_that_it_shows_and_no_others(chromium, server):
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    under = f"/{modules.address()}"
    asked = {path.removeprefix(under) for path in visit(context, server) if path.startswith(under) and path.endswith(".js")}
    context.close()
    shown = [modules.preload(panel) for panel in ("recorded-pair", "transport", "pictures", "plane", "collapse", "inside")]
    assert asked - {modules.PLOTLY, SCRIPT} == set().union(*shown)


@pytest.fixture
def slow(chromium, server):
    """A page whose scripts of Streamlit come when they are called: (page, call)."""
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    page, waiting, called = context.new_page(), [], []
    page.set_default_timeout(60_000)
    page.route("**/static/js/*.js", lambda route: route.continue_() if called else waiting.append(route))

    def come():
        called.append(True)
        while waiting:
            waiting.pop().continue_()

    yield page, come
    context.close()


def test_the_recording_plays_before_the_page_is_there_and_moves_into_it_as_it_is(slow, server):
    page, come = slow
    page.goto(server, wait_until="commit")
    page.wait_for_function(MOVES)
    assert page.locator("#root > *").count() == 0 and page.locator("#first-picture header").first.is_visible()
    at = page.evaluate("+document.querySelector('#first-picture .ssl-scrub').value")
    page.evaluate("[...document.querySelectorAll('#first-picture canvas')].forEach((each) => (each.known = true))")
    place = page.locator("#first-picture .ssl-recorded-pair").bounding_box()
    come()
    page.wait_for_selector("#first-picture", state="detached")
    assert page.evaluate("[...document.querySelectorAll('.ssl-recorded-pair canvas')].map((each) => each.known)") == [True, True]
    assert page.evaluate("+document.querySelector('.ssl-recorded-pair .ssl-scrub').value") >= at
    assert page.locator(".ssl-recorded-pair").count() == 1
    page.wait_for_selector(".ssl-plane .js-plotly-plot")
    now = page.locator(".ssl-recorded-pair").bounding_box()
    assert all(abs(now[side] - place[side]) <= 20 for side in ("x", "y", "width")), (place, now)


def test_the_picture_gives_way_to_a_problem_of_the_page(slow, server):
    page, come = slow
    page.goto(f"{server}?batch_size=0", wait_until="commit")
    page.wait_for_function(MOVES)
    come()
    page.wait_for_selector("#first-picture", state="detached")
    page.wait_for_selector(".stAlert")


def test_a_tab_that_was_left_open_over_an_upgrade_starts_anew(scripts):
    scripts.goto("http://scripts.test/")
    for _ in range(2):
        scripts.evaluate(DRAW, [MOUNT, "one"])
        scripts.wait_for_selector(".ssl-numbers")
        assert scripts.evaluate("[...document.head.querySelectorAll('link')].map((each) => [each.rel, each.href])") == [
            ["modulepreload", "http://scripts.test/assets/v/one/page.js"]
        ]
    with scripts.expect_navigation():
        scripts.evaluate(DRAW, [MOUNT, "two"])
    assert scripts.locator(".ssl-numbers").count() == 0
    scripts.evaluate(DRAW, [MOUNT, "two"])
    scripts.wait_for_selector(".ssl-numbers")


def test_metrics_of_a_training_arrive_in_the_page(chromium, server):
    late = behind(chromium, server, 3.0)
    assert late and all(-5 < each < 60_000 for each in late)  # milliseconds; the clock of the training is rounded
