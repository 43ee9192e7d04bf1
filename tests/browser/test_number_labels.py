"""Every number on every page has one definition, reachable from its label: looked for on the running pages, over short real runs."""

import pytest

# Every number that is read as text or drawn in a chart, and the label that explains it: the head of its column, its row's name, or a
# label in the smallest frame around it. A name, a step or a control is no number of a run, and the judge's line above a run is explained
# where it stands again, in the panel Collapse.
LABELS = r"""() => {
  const FRAMES = "section, tr, .ssl-gauge, .ssl-measure, .ssl-panel"
  const CONTROLS = "svg, .ssl-plot, .ssl-definition, style, button, select, input, a, "
  const NAMES = CONTROLS + "th, dt, .ssl-title, .ssl-name, .ssl-run, .ssl-how, .ssl-verdict"
  const STEPS = /\b(step|image|view|seed|cluster|number) [\d,]+( (of|\/) [\d,]+)?|[\d,]+ × [\d,]+ pixels/gi
  const seen = (each) => each.checkVisibility({ visibilityProperty: true }) && each.getBoundingClientRect().width > 0
  const label = (within) => within.matches(".ssl-defined") ? within : [...within.querySelectorAll(".ssl-defined:not(.ssl-how)")].find(seen)
  const column = (cell) => cell.closest("table").tHead?.rows[0].cells[cell.cellIndex]
  const lacking = new Set(), found = new Set()

  function look(text) {
    const cell = text.closest("td")
    if (cell && column(cell)) return label(column(cell))
    for (let at = text; at; at = at.parentElement) {
      const there = label(at)
      if (there) return there
      if (at.matches(FRAMES)) return null
    }
  }
  function take(element, what) {
    const there = element.matches(".ssl-chart > .ssl-head > .ssl-title") ? label(element) : look(element)
    there ? found.add(there) : lacking.add(`${element.closest(".ssl-panel").className}: ${what}`)
  }
  for (const panel of document.querySelectorAll("[class*=st-key-live-] .ssl-panel")) {
    const texts = document.createTreeWalker(panel, NodeFilter.SHOW_TEXT)
    while (texts.nextNode()) {
      const text = texts.currentNode.data.trim(), element = texts.currentNode.parentElement
      if (/\d/.test(text.replace(STEPS, "")) && !element.closest(NAMES) && seen(element)) take(element, text)
    }
    const charts = [...panel.querySelectorAll(".ssl-chart:has(.ssl-plot)")].filter(seen)
    for (const title of charts.map((chart) => chart.querySelector(".ssl-title"))) take(title, `the chart ${title.textContent}`)
  }
  const told = [...found].map((each) => {
    each.click()
    const terms = [...document.querySelectorAll("#ssl-definition:not([hidden]) dt")].filter((term) => term.nextSibling.textContent.trim())
    const said = [each.textContent.trim(), terms.map((term) => term.textContent)]
    each.click()
    return said
  })
  return { lacking: [...lacking], told }
}"""
PARTS = {"Formula", "Unit", "Source"}


def explained(page, *expected):
    """Asserts that no number is left unexplained, and that these labels were among those that explain one."""
    found = page.evaluate(LABELS)
    assert found["lacking"] == []
    told = dict(found["told"])
    assert {name: terms for name, terms in told.items() if not set(terms) >= PARTS} == {}
    assert set(expected) <= set(told), set(expected) - set(told)


@pytest.fixture(scope="module")
def pair(runs):
    """Two runs side by side."""
    return runs["healthy"], runs["broken"]


def unfolded(page):
    page.evaluate("document.querySelectorAll('.ssl-panel details').forEach((each) => { each.open = true })")


def test_every_number_of_the_train_page(desk, runs):
    page = desk(until=".ssl-gauge", run=runs["contrastive"])
    page.wait_for_function("document.querySelectorAll('.ssl-inside .js-plotly-plot').length > 1")
    unfolded(page)
    explained(
        page, "Live k-NN", "Loss", "Singular values", "Alignment and uniformity", "spread, backbone", "rank, projector", "Contrastive top-1"
    )


def test_every_number_of_the_collapse_page(desk, pair):
    page = desk(path="collapse", until=".ssl-card", height=3000, **{"lab.healthy": pair[0], "lab.broken": pair[1]})
    page.wait_for_function("document.querySelectorAll('.ssl-pair-curves .js-plotly-plot').length > 3")
    unfolded(page)
    explained(page, "Spread", "Loss", "Singular values", "spread, of 1/sqrt(64), backbone")


def test_every_number_of_the_embeddings_page(desk, pair):
    look = {"map.run": pair[0], "map.kind": "pca", "map.color": "cluster", "map.image": 5}
    page = desk(path="embeddings", until=".ssl-geometry .ssl-title", height=3000, **look)
    page.wait_for_selector(".ssl-neighbor")
    page.wait_for_selector(".ssl-notes:has-text('Silhouette')")
    page.wait_for_selector(".ssl-geometry .ssl-measure:has-text('LiDAR')")
    page.wait_for_function("document.querySelectorAll('.ssl-geometry .js-plotly-plot').length === 5")
    page.click("button:has-text('Show it')")
    page.wait_for_selector(".ssl-landings .ssl-neighbor")
    page.click("button:has-text('Lasso')")
    box = page.locator(".ssl-scene .ssl-canvas").bounding_box()
    for i, (across, down) in enumerate([(0.01, 0.01), (0.99, 0.01), (0.99, 0.99), (0.01, 0.99)]):
        page.mouse.move(box["x"] + across * box["width"], box["y"] + down * box["height"])
        if i == 0:
            page.mouse.down()
    page.mouse.up()
    page.wait_for_selector(".ssl-lasso .ssl-share-row")
    names = ["PCA of the backbone", "Nearest neighbors", "In the lasso", "LiDAR", "Similarity of two views", "Where does an image land?"]
    explained(page, *names)


def test_every_number_of_the_evaluation_page(desk, pair):
    quick = {"eval.parts": "knn", "eval.labels": 100, "eval.seeds": 2, "eval.run": pair[0]}
    page = desk(path="evaluation", until=".ssl-evaluation .ssl-status:has-text('Not evaluated yet')", height=3000, **quick)
    page.click(".st-key-evaluate button:enabled")
    page.wait_for_selector(".ssl-evaluation .ssl-status:text-is('Evaluated')", timeout=180_000)
    unfolded(page)
    explained(page, "accuracy", "bar", "seeds", "Confusion matrix", "Blur", "Noise", "Pretext loss against accuracy")


def test_every_number_of_the_augmentations_page(desk, pair):
    page = desk(path="augmentations", until=".ssl-view canvas", height=3000)
    for panel in ("overlap", "augmentation-probes", "invariance"):
        page.locator(f".st-key-live-{panel}").scroll_into_view_if_needed()
        page.wait_for_selector(f".ssl-{panel} .js-plotly-plot .main-svg")
    explained(page, "View 1", "View 1, step by step", "Overlap of two crops", "Pixels, live k-NN", "Untrained network, linear probe")


def test_every_number_of_the_masking_page(desk, runs):
    page = desk(path="masking", until=".ssl-counted:has-text('hidden')", **{"mask.ratio": 0.75})  # of no run
    explained(page, "48 of 64 patches hidden, 75%")
    page = desk(path="masking", until=".ssl-mean figcaption", height=3000, **{"mask.run": runs["mae"], "mask.ratio": 0.5})
    page.wait_for_selector(".ssl-row-of-ten figcaption")
    page.wait_for_selector(".ssl-heads figcaption")
    page.wait_for_selector(".ssl-ratios .js-plotly-plot .main-svg")
    labels = ["32 of 64 patches hidden, 50%", "The same image, more and more hidden", "On average over many masks"]
    explained(page, *labels)


def test_every_number_of_the_data_page(desk):
    page = desk(path="data", until=".ssl-sheet-row")
    found = page.evaluate(LABELS)
    assert found["lacking"] == [] and any(name.startswith("Mean color") for name, _ in found["told"])
