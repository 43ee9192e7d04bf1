"""The Embeddings page as a person uses it: play, click, draw around points, all without a rerun of the page's script."""

import pytest

CANVAS = ".ssl-scene .ssl-canvas"
STEP = "document.querySelector('.ssl-scene .ssl-canvas').ariaLabel?.match(/at step (\\d+)/)?.[1]"
FIND = f"""() => {{
  const canvas = document.querySelector('{CANVAS}'), {{ width, height }} = canvas
  const pixels = new Uint32Array(canvas.getContext('2d').getImageData(0, 0, width, height).data.buffer)
  const at = pixels.findIndex((pixel, i) => i > width * height / 4 && pixel !== pixels[0])
  return [at % width, Math.floor(at / width)].map((each) => each / devicePixelRatio)
}}"""
# From now on: which steps the map shows, how many different pictures it draws, how often the page's script runs.
WATCH = f"""() => {{
  const canvas = document.querySelector('{CANVAS}'), app = document.querySelector('[data-test-script-state]')
  Object.assign(window, {{ reruns: 0, seen: [], pictures: new Set() }})
  new MutationObserver(() => {{ if (app.dataset.testScriptState === 'running') window.reruns++ }}).observe(app, {{ attributes: true }})
  new MutationObserver(() => window.seen.push(+{STEP})).observe(canvas, {{ attributeFilter: ['aria-label'] }})
  const show = CanvasRenderingContext2D.prototype.putImageData
  CanvasRenderingContext2D.prototype.putImageData = function (picture, ...at) {{
    const words = new Uint32Array(picture.data.buffer)
    if (this.canvas === canvas) window.pictures.add(words.reduce((sum, pixel) => (sum * 31 + pixel) | 0, 0))
    return show.call(this, picture, ...at)
  }}
}}"""


@pytest.fixture(scope="module")
def trained(runs):
    """A run of a few steps."""
    return runs["simclr"]


def test_the_film_of_a_run_plays_its_neighbors_show_and_a_lasso_counts(desk, trained):
    page = desk(path="embeddings", until=".ssl-scene", **{"map.run": trained, "map.kind": "pca"})
    page.wait_for_function(f"{STEP} === '6'")
    page.wait_for_function("new URL(location).searchParams.get('map.color') === 'shape'")  # what it settled on has been said
    page.evaluate(WATCH)
    page.click(".ssl-play")
    page.wait_for_function(f"window.seen.includes(0) && {STEP} === '6'")
    page.wait_for_selector(".ssl-play[aria-label=play]")
    seen, pictures = page.evaluate("[window.seen, window.pictures.size]")
    assert seen == sorted(seen) and len(set(seen)) > 1  # the frames of the film, in the order of time
    assert pictures > 2 * len(set(seen))  # and what lies between them
    assert page.evaluate("window.reruns") == 0

    x, y = page.evaluate(FIND)
    page.click(CANVAS, position={"x": x + 2, "y": y + 2})
    page.wait_for_function("document.querySelectorAll('.ssl-neighbor').length === 12")
    assert page.locator(".ssl-shared").count() == 12 * 6  # each says of each factor whether it is shared
    [image] = page.locator(".ssl-chosen .ssl-thumb-of").all()
    chosen = image.get_attribute("aria-label").split()[1]
    page.wait_for_function("image => new URL(location).searchParams.get('map.image') === image", arg=chosen)

    box = page.locator(CANVAS).bounding_box()
    corners = [(0.01, 0.01), (0.99, 0.01), (0.99, 0.99), (0.01, 0.99)]
    page.keyboard.down("Shift")
    for i, (across, down) in enumerate(corners):
        page.mouse.move(box["x"] + across * box["width"], box["y"] + down * box["height"], steps=3)
        if i == 0:
            page.mouse.down()
    page.mouse.up()
    page.keyboard.up("Shift")
    page.wait_for_selector(".ssl-lasso .ssl-share-row")
    inside, whole = page.text_content(".ssl-lasso .ssl-good").split(" images")[0].replace(",", "").split(" of ")
    assert 0.9 * int(whole) <= int(inside) <= int(whole)
    assert page.locator(".ssl-share").count() == 6
    page.focus(CANVAS)
    page.keyboard.press("Escape")
    page.wait_for_selector(".ssl-lasso", state="hidden")
    page.keyboard.press("ArrowLeft")
    page.wait_for_function("new URL(location).searchParams.has('map.step') && !new URL(location).searchParams.has('map.image')")


def test_the_pca_stands_in_until_the_umap_is_there(desk, trained):
    held, through = [], []

    def hold(route):
        waits = not through and not route.request.url.split("?")[0].endswith("/pca")
        held.append(route) if waits else route.continue_()

    page = desk(path="embeddings", until=".ssl-stage", **{"map.run": trained, "map.kind": "pca"})
    page.wait_for_function(f"{STEP} === '6'")
    page.route("**/map/*kind=umap*", hold)
    page.click(".ssl-switch >> text=UMAP")
    page.wait_for_function("document.querySelector('.ssl-scene .ssl-at').textContent === 'step 6 · PCA until the first UMAP is ready'")
    assert page.text_content(".ssl-scene .ssl-layer") == "PCA of the backbone" and page.is_hidden(".ssl-empty")
    assert "PCA of the backbone" in page.get_attribute(CANVAS, "aria-label") and "linear projection" in page.text_content(".ssl-maps")
    assert page.evaluate(FIND)  # points are drawn
    through.append(True)
    for route in held:
        route.continue_()
    page.wait_for_function("document.querySelector('.ssl-scene .ssl-layer').textContent === 'UMAP of the backbone'")
    page.wait_for_function("document.querySelector('.ssl-scene .ssl-at').textContent === ''")
    assert "linear projection" not in page.text_content(".ssl-maps")
