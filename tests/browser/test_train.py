"""The Train page as a person uses it."""

import json
import re

import pytest

from playground.home import site
from playground.ui.live import MOUNT
from playground.web import modules

SMALL = {"network": "resnet-tiny", "batch_size": 32}
LONG = SMALL | {"steps": 20_000}


def click(page, key):
    page.click(f".st-key-{key} button:enabled")


def wait_for_status(page, word):
    page.wait_for_function(f"document.querySelector('.ssl-status')?.textContent.startsWith('{word}')")


def step(page):
    return int(re.search(r"step ([\d,]+)", page.text_content(".ssl-where"))[1].replace(",", ""))


def wait_for_step(page, least):
    shown = "/step ([\\d,]+)/.exec(document.querySelector('.ssl-where')?.textContent)"
    page.wait_for_function(f"least => Number({shown}?.[1].replace(',', '')) >= least", arg=least)


def started(page):
    before = page.evaluate("new URL(location).searchParams.get('run')")
    click(page, "start")
    page.wait_for_function("before => new URL(location).searchParams.get('run') !== before", arg=before)
    wait_for_step(page, 1)
    return re.search(r"run=(\w+)", page.url)[1]


def stopped(page):
    click(page, "stop")
    wait_for_status(page, "Stopped")


def plotted(page, panel, trace=-1):
    """How many points a curve has."""
    return page.evaluate(f"document.querySelector('.st-key-live-{panel} .js-plotly-plot').data.at({trace})?.x.length ?? 0")


def test_a_run_draws_itself_without_making_anything_anew(desk):
    page = desk(**SMALL, steps=100)  # long enough that the page sees it on its way
    started(page)
    page.wait_for_function("document.querySelector('.st-key-live-curves .js-plotly-plot').data.length > 0")
    nodes = ".js-plotly-plot, .js-plotly-plot .main-svg, .ssl-canvas, .ssl-status"
    mark = f"[...document.querySelectorAll('{nodes}')].map(node => node.marked = true).length"
    marked = page.evaluate(mark)
    plot = page.locator(".st-key-live-curves .js-plotly-plot .nsewdrag").first.bounding_box()
    page.mouse.move(plot["x"] + plot["width"] * 0.1, plot["y"] + plot["height"] * 0.3)
    page.mouse.down()
    page.mouse.move(plot["x"] + plot["width"] * 0.6, plot["y"] + plot["height"] * 0.9, steps=4)
    page.mouse.up()
    zoomed = page.evaluate("document.querySelector('.st-key-live-curves .js-plotly-plot').layout.xaxis.range")
    assert 0 < zoomed[0] < zoomed[1] < 100
    behind = page.evaluate("getComputedStyle(document.querySelector('.st-key-transport').parentElement).backgroundColor")
    assert behind == "rgb(255, 255, 255)"  # what scrolls past below the buttons does not shine through
    wait_for_status(page, "Finished")
    page.wait_for_selector(".st-key-pause button:disabled")
    assert step(page) == 100
    assert page.evaluate(f"[...document.querySelectorAll('{nodes}')].filter(node => node.marked).length") == marked
    assert page.evaluate("document.querySelector('.st-key-live-curves .js-plotly-plot').layout.xaxis.range") == zoomed
    assert plotted(page, "plane") > 1 or plotted(page, "plane", 0) > 1
    assert "probe images at step" in page.get_attribute(".ssl-canvas", "aria-label")
    assert page.evaluate("document.querySelector('.st-key-live-pictures img').naturalWidth") > 0
    page.wait_for_selector(".ssl-inside .ssl-title:has-text('Similarity of two views')")
    marked = page.evaluate(mark)
    second = started(page)
    page.wait_for_function("Number(/step (\\d+)/.exec(document.querySelector('.ssl-where').textContent)?.[1]) < 100")
    wait_for_status(page, "Finished")
    assert f"run={second}" in page.url
    assert page.evaluate(f"[...document.querySelectorAll('{nodes}')].filter(node => node.marked).length") == marked


def test_a_live_knob_leaves_a_mark_and_survives_a_reload(desk):
    page = desk(**LONG)
    run = started(page)
    page.focus(".st-key-method-temperature input")
    page.keyboard.press("ArrowRight")
    notes = "document.querySelector('.st-key-live-curves .js-plotly-plot').layout.annotations"
    page.wait_for_function(f"{notes}?.some(each => each.text.startsWith('temperature'))")
    page.wait_for_function("location.search.includes('method.temperature=0.3')")
    seen = step(page)
    page.reload()
    wait_for_step(page, seen)
    assert f"run={run}" in page.url
    assert page.get_attribute(".st-key-method-temperature input", "aria-valuetext") == "0.3"
    assert "method.temperature=0.3" in page.url
    stopped(page)


def moved(page, run, name):
    """The values to which a knob of this run was moved, one after the other."""
    ask = "async (run) => (await (await fetch(`api/runs/${run}`)).json()).changes.map((each) => [each.name, each.value])"
    return [value for key, value in page.evaluate(ask, run) if key == name]


def test_two_browsers_on_one_run_show_the_knobs_that_it_has_however_quickly_one_presses(desk):
    one = desk(**LONG)
    run = started(one)
    two = desk(run=run)
    wait_for_step(two, 1)
    two.focus(".st-key-steps input")
    two.keyboard.press("End")
    two.keyboard.type("7")  # and no Enter: somebody is still typing
    for here, there, value in ((one, two, "0.3"), (two, one, "0.5")):
        here.focus(".st-key-method-temperature input")
        here.keyboard.press("ArrowRight")
        there.wait_for_function(f"document.querySelector('.st-key-method-temperature input').ariaValueText === '{value}'")
        there.wait_for_function(f"location.search.includes('method.temperature={value}')")
        assert two.input_value(".st-key-steps input") == "200007"
    seen = step(one)
    wait_for_step(one, seen + 20)
    assert moved(one, run, "method.temperature") == [0.3, 0.5]  # neither page answers the other
    for page in (one, two):
        assert page.get_attribute(".st-key-method-temperature input", "aria-valuetext") == "0.5"

    rate, ways = ".st-key-optimizer-learning_rate input", []
    for here, there, key, presses in ((two, one, "ArrowLeft", 3), (one, two, "ArrowRight", 5)):
        here.focus(rate)
        for _ in range(presses):
            here.keyboard.press(key)
            here.wait_for_timeout(120)
        here.wait_for_timeout(4000)  # whoever answers what it was told has done so by then
        rates = moved(one, run, "optimizer.learning_rate")
        now = f"{rates[-1]:.4g}"
        for page in (here, there):
            page.wait_for_function("([rate, now]) => document.querySelector(rate).ariaValueText === now", arg=[rate, now])
        ways.append(rates[sum(map(len, ways)) :])
    down, up = ways
    assert down == sorted(down, reverse=True) and up == sorted(up), "nothing was moved but by a hand"
    stopped(one)
    wait_for_status(two, "Stopped")


def test_two_browsers_agree_on_the_knobs_of_a_run_that_waits(desk):
    first = desk(**LONG)
    started(first)
    one = desk(**LONG, seed=1)
    click(one, "start")
    wait_for_status(one, "Queued")
    run = re.search(r"run=(\w+)", one.url)[1]
    two = desk(run=run)
    wait_for_status(two, "Queued")
    for here, there, value in ((one, two, "0.3"), (two, one, "0.5")):
        here.focus(".st-key-method-temperature input")
        here.keyboard.press("ArrowRight")
        there.wait_for_function(f"document.querySelector('.st-key-method-temperature input').ariaValueText === '{value}'")
        there.wait_for_function(f"location.search.includes('method.temperature={value}')")
    late = desk(run=run)
    assert late.get_attribute(".st-key-method-temperature input", "aria-valuetext") == "0.5"
    stopped(first)
    wait_for_step(one, 5)
    moved = one.evaluate(f"fetch('api/runs/{run}').then((answer) => answer.json()).then(({{ changes }}) => changes)")
    assert [each["value"] for each in moved] == [0.3, 0.5] and {each["step"] for each in moved} == {1}
    for page in (one, two, late):
        assert page.get_attribute(".st-key-method-temperature input", "aria-valuetext") == "0.5"
    stopped(one)


def test_pause_step_resume_stop(desk):
    page = desk(**LONG)
    started(page)
    page.wait_for_function("/^\\d.* left$/.test(document.querySelector('.ssl-left').textContent)")
    click(page, "pause")
    wait_for_status(page, "Paused")
    assert page.text_content(".ssl-left").endswith("left after Resume")
    page.wait_for_selector(".st-key-pause button:has-text('Resume')")
    paused = step(page)
    click(page, "step")
    wait_for_step(page, paused + 1)
    wait_for_status(page, "Paused")
    assert step(page) == paused + 1
    click(page, "pause")
    wait_for_step(page, paused + 3)
    page.wait_for_selector(".st-key-pause button:has-text('Pause')")
    stopped(page)
    page.wait_for_selector(".st-key-pause button:has-text('Resume')")
    click(page, "pause")
    wait_for_step(page, step(page) + 1)
    stopped(page)


def test_seven_tabs_follow_one_run_and_a_lost_connection_comes_back(desk):
    page = desk(**LONG)
    run = started(page)
    click(page, "pause")  # while it waits, the others open sooner
    wait_for_status(page, "Paused")
    tabs = [desk(context=page.context, run=run) for _ in range(5)]
    lossy = page.context.new_page()
    held = []

    def relay(socket):
        held.append((socket, socket.connect_to_server()))

    lossy.route_web_socket(re.compile("/api/ws"), relay)
    lossy.goto(page.url)
    wait_for_status(lossy, "Paused")
    seen = step(page) + 1
    click(page, "pause")
    for tab in [*tabs, lossy]:
        wait_for_step(tab, seen)
    held[0][0].close()
    held[0][1].close()
    before = step(lossy)
    wait_for_step(lossy, before + 5)
    assert len(held) >= 2
    stopped(page)
    for tab in [*tabs, lossy]:
        wait_for_status(tab, "Stopped")
    loss = "Array.from(document.querySelectorAll('.st-key-live-curves .js-plotly-plot')[1].data.at(-1).x)"
    last = step(lossy)
    lossy.wait_for_function(f"{loss}.at(-1) === {last}")
    assert lossy.evaluate(loss) == page.evaluate(loss)


def test_a_masked_method_shows_what_it_paints(desk):
    page = desk(method="mae", batch_size=16, steps=4, **{"network.patch_size": 8})
    started(page)
    wait_for_status(page, "Finished")
    rows = page.locator(".st-key-live-pictures figcaption").all_text_contents()
    assert rows == ["original", "masked", "reconstruction", "reconstruction + visible"]
    assert page.is_visible("text=Reconstruction error")
    page.reload()
    wait_for_status(page, "Finished")
    page.wait_for_selector(".ssl-inside .ssl-title:has-text('Similarity of two views')")
    titles = page.locator(".ssl-chart .ssl-title:visible").all_text_contents()
    assert titles.count("Reconstruction error") == 1 and len(set(titles)) == len(titles)


def test_what_goes_on_inside_a_method_is_drawn_and_so_is_its_schedule(desk):
    page = desk(**SMALL, method="dino", steps=6, **{"schedule.method.student_temperature": "cosine 0.05"})
    assert page.is_visible(".st-key-section-schedules img[alt='student temperature: 0.1 at step 1, 0.05 at step 6, cosine']")
    started(page)
    wait_for_status(page, "Finished")
    page.wait_for_selector(".ssl-inside .ssl-title:has-text('Use of the teacher')")
    titles = page.locator(".ssl-inside .ssl-chart .ssl-title").all_text_contents()
    assert {"Similarity of two views", "Use of the teacher"} <= set(titles)
    assert any("entropy" in title.lower() for title in titles) and any("perplexity" in title for title in titles)
    loss = "document.querySelectorAll('.st-key-live-curves .js-plotly-plot')[1]"
    page.wait_for_function(f"{loss}.layout.annotations.some(each => each.text === 'student temperature 0.1 → 0.05')")
    way = page.evaluate(f"Array.from({loss}.data.at(-1).customdata)")
    assert way[0] == pytest.approx(0.1) and way[-1] == pytest.approx(0.05) and way == sorted(way, reverse=True)


def test_a_wrong_value_in_the_address_stands_beside_its_control(desk):
    page = desk(seed=5, steps="many", run="nowhere1")
    assert page.is_visible("text=steps must be a whole number from 1 to 1000000, got many")
    assert page.is_disabled(".st-key-start button")
    wait_for_status(page, "No such run")
    assert "steps=many" in page.url


def test_a_script_that_loads_late_draws_nothing_old(desk):
    """As when Start is pressed before the recording has loaded: its panels must not be drawn over the run."""
    page = desk()
    drawn = page.evaluate(
        """async ([mount, assets]) => {
          const parentElement = document.createElement("div")
          const { default: show } = await import(URL.createObjectURL(new Blob([mount], { type: "text/javascript" })))
          const told = { panel: "numbers", run: null, assets, preload: [], counts: [1, 2], low: 0, high: 1, first: 0, last: 1 }
          for (const note of ["recorded", "new"]) show({ data: { ...told, note }, parentElement, setStateValue() {} })
          await import(new URL(`${assets}panels/numbers.js`, document.baseURI))
          await new Promise((go) => setTimeout(go, 100))
          const { page } = await import(new URL(`${assets}page.js`, document.baseURI))
          return [page.panels.get(parentElement).panel.data.note, parentElement.children.length]
        }""",
        [MOUNT, modules.address()],
    )
    assert drawn == ["new", 1]


def test_before_the_first_start_a_recorded_pair_plays_without_the_server(chromium, desk):
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    asked = []
    context.on("request", lambda request: asked.append(request.url))
    page = desk(context=context)
    wait_for_status(page, "Recording")
    assert "Press Start" in page.text_content(".ssl-run")
    assert page.is_disabled(".st-key-stop button")
    maps, reached = page.locator(".ssl-recorded-map canvas"), "/at step (\\d+)/.exec(each.getAttribute('aria-label'))?.[1]"
    page.wait_for_function(f"[...document.querySelectorAll('.ssl-recorded-map canvas')].every(each => Number({reached}) > 3)")
    for i in range(2):
        assert "Recorded map of 1024 probe images" in maps.nth(i).get_attribute("aria-label")
    page.wait_for_function("document.querySelector('.st-key-live-plane .js-plotly-plot').data?.[0]?.x.length > 2")
    assert page.evaluate("getComputedStyle(document.querySelector('.ssl-plane .ssl-title'), '::after').content") == '"recorded"'
    page.get_by_role("slider", name="step shown on both maps").fill("1000")
    assert page.locator(".ssl-recorded-map .ssl-chips").all_text_contents() == recorded_ends()
    assert page.get_attribute(".ssl-recorded-pair .ssl-play", "aria-label") == "play again"
    assert [url for url in asked if "/api/" in url] == []
    page.click(".ssl-recorded-pair .ssl-play")
    page.wait_for_function("document.querySelector('.ssl-recorded-pair .ssl-when').textContent.startsWith('step 1 ')")
    context.close()


def recorded_ends():
    """What the last frames of the recording say, as the page writes it."""
    runs = json.loads((site() / "assets/recorded/pair.json").read_text())["runs"]
    last = [[body for _, kind, _, _, body in run["events"] if kind == "metrics" and "knn/shape" in body][-1] for run in runs.values()]
    return [f"shape {each['knn/shape']:.2f}color {each['knn/color']:.2f}" for each in last]


def test_where_motion_is_unwelcome_the_recording_shows_its_end(chromium, desk):
    context = chromium.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
    page = desk(context=context)
    page.wait_for_selector(".ssl-recorded-pair .ssl-play[aria-label='play again']")
    assert page.text_content(".ssl-recorded-pair .ssl-when") == "step 300 of 300"
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone_everything_stands_in_one_column(chromium, desk, scheme):
    context = chromium.new_context(viewport={"width": 390, "height": 844}, color_scheme=scheme, has_touch=True)
    page = desk(context=context)
    panels = ("transport", "recorded-pair", "pictures", "plane", "collapse")
    tops = [page.locator(f".st-key-live-{panel}").bounding_box()["y"] for panel in panels]
    assert tops == sorted(tops)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    menu = "getComputedStyle(document.querySelector('[data-testid=stExpandSidebarButton]'), '::after').content"
    assert page.evaluate(menu) == '"Pages and settings"'  # where the names of the pages are
    shown = page.evaluate("getComputedStyle(document.querySelector('.stApp')).backgroundColor")
    assert (shown == "rgb(255, 255, 255)") == (scheme == "light")
    context.close()
