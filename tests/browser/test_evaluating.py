"""The Evaluation page as a person uses it: Evaluate, results as they come, a reload, and a run opened from the picture of losses."""

import pytest

from playground.ui import ASSETS

QUICK = {"eval.parts": "linear,knn", "eval.labels": 100, "eval.seeds": 2}
SAID = ".ssl-evaluation .ssl-status"


@pytest.fixture(scope="module")
def trained(runs):
    """Two runs of a few steps, of a method that no other test trains here."""
    return runs["npair"], runs["npair again"]


def test_results_come_as_they_are_measured_and_survive_a_reload(desk, trained):
    page = desk(path="evaluation", until=f"{SAID}:has-text('Not evaluated yet')", **QUICK | {"eval.run": trained[0]})
    page.click(".st-key-evaluate button:enabled")
    page.wait_for_selector(".st-key-stop-evaluation button:enabled")
    page.wait_for_selector(f"{SAID}:text-is('Evaluated')", timeout=180_000)
    page.wait_for_selector(".st-key-evaluate button:enabled")
    said = page.get_attribute(".ssl-evaluation .ssl-pair .ssl-plot >> nth=0", "aria-label")
    assert "Linear probe with 100% of the labels (100)" in said and "k-NN classifier with 10% of the labels" in said
    page.click(".ssl-all summary")
    rows = page.locator(".ssl-numbers tbody tr")
    assert rows.count() == 4  # 1% of 100 labels is less than one a class
    assert "must be at least one for each of 8 classes" in page.text_content(".ssl-remarks")
    numbers = rows.all_text_contents()
    with page.expect_download() as kept:
        page.click(".ssl-keep a >> text=CSV")
    assert kept.value.suggested_filename == f"evaluation-{trained[0]}.csv"
    page.reload()
    page.wait_for_selector(f"{SAID}:text-is('Evaluated')")
    assert page.locator(".ssl-numbers tbody tr").all_text_contents() == numbers
    page.select_option(".ssl-losses select", "N-pair")
    page.wait_for_function("document.querySelectorAll('.ssl-losses .point').length === 2")
    page.locator(".ssl-losses .ssl-plot").scroll_into_view_if_needed()
    dots = page.locator(".ssl-losses .point")
    chosen = [dots.nth(i).bounding_box()["width"] for i in range(2)]
    small = dots.nth(chosen.index(min(chosen))).bounding_box()
    page.mouse.click(small["x"] + small["width"] / 2, small["y"] + small["height"] / 2)
    page.wait_for_function(f"new URL(location).searchParams.get('eval.run') === '{trained[1]}'")
    page.wait_for_selector(f"{SAID}:has-text('Not evaluated yet')")


TOOK = """
async (means) => {
  const { default: EvaluationPanel } = await import("/assets/panels/evaluation.js")
  const panel = new EvaluationPanel(document.createElement("div"))
  const drawn = []
  Object.assign(panel, { of: "abcd2345", data: { of: "abcd2345" }, theme: { colors: ["#000"], dark: false }, notify() {} })
  panel.curve.draw = async (traces) => drawn.push(traces[0].y[0])
  for (const chart of panel.charts.slice(1)) chart.draw = async () => {}
  for (const mean of means) {
    const bar = { mean, low: mean, high: mean, lowest: mean, highest: mean, balanced: null }
    const score = { part: "labels", who: "linear", share: 1, labeled: 100, seeds: 1, ...bar }
    const about = { labeled: 100, known: 100, chance: 0.1, names: [] }
    const found = { started: 1, status: "running", done: 0.5, step: 3, about, scores: [score], remarks: [], pairs: [] }
    panel.took({ run: "abcd2345", job: { status: "running" }, titles: { linear: "Linear probe" }, found })
  }
  panel.remove()
  return drawn
}
"""


def test_the_curve_follows_every_seed(scripts):
    assert scripts.evaluate(TOOK, [0.78, 0.84, 0.84]) == [0.78, 0.84]


def test_a_run_that_failed_does_not_stretch_the_axis_of_losses(scripts):
    ask = 'async (runs) => (await import("/assets/panels/losses.js")).span(runs)'
    kept = [{"loss": 1.0, "status": "finished"}, {"loss": 3.0, "status": "stopped"}]
    assert scripts.evaluate(ask, [*kept, {"loss": 4.5e7, "status": "failed"}]) == {"autorange": False, "range": [0.9, 3.1]}
    assert scripts.evaluate(ask, kept)["autorange"] is True


def test_on_a_phone_what_an_empty_chart_says_lies_on_no_title(scripts):
    scripts.set_viewport_size({"width": 390, "height": 844})
    scripts.set_content('<div><div class="ssl-empty">Not measured.</div><b class="ytitle">true class</b></div>')
    scripts.add_style_tag(path=ASSETS / "page.css")
    assert not scripts.locator(".ytitle").is_visible()
    scripts.evaluate("document.querySelector('.ssl-empty').hidden = true")
    assert scripts.locator(".ytitle").is_visible()
    scripts.goto("http://scripts.test/")
