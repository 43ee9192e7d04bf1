"""The geometry of a representation on the Embeddings page, in a real browser, over a real run."""


def test_numbers_and_pictures_follow_the_step_and_the_layer(desk, runs):
    run = runs["small batch"]
    page = desk(path="embeddings", until=".ssl-geometry .ssl-title", **{"map.run": run})
    page.locator(".ssl-geometry").scroll_into_view_if_needed()
    page.wait_for_selector(".ssl-geometry .ssl-measure")
    where = ".ssl-geometry > .ssl-head .ssl-good"
    assert page.text_content(where) == "backbone, 64 dimensions, step 3, 256 held-out images"  # a small batch is measured on fewer
    assert page.locator(".ssl-factor-table tbody tr").count() == 6
    page.wait_for_function(
        "[...document.querySelectorAll('.ssl-geometry .ssl-plot')].filter(each => each.ariaLabel?.includes('alike')).length === 2"
    )
    page.wait_for_function("document.querySelectorAll('.ssl-geometry .js-plotly-plot').length === 5")
    page.wait_for_selector(".ssl-geometry .ssl-measure:has-text('LiDAR')")
    ends = "(name) => document.querySelector(`.ssl-geometry ${name}`).getBoundingClientRect()"
    assert page.evaluate(f"({ends})('.ssl-measures').bottom <= ({ends})('.ssl-grid').top")  # no chart is drawn over the numbers
    assert "have a cosine of" in page.get_attribute(".ssl-geometry .ssl-chart:has-text('Similarity of two views') .ssl-plot", "aria-label")
    now = page.text_content(".ssl-measure:has-text('Participation ratio') .ssl-value")
    page.focus(".ssl-geometry .ssl-switch button >> nth=1")
    page.keyboard.press("Enter")
    page.wait_for_function(
        "document.querySelector('.ssl-geometry > .ssl-head .ssl-good').textContent.startsWith('projector, 128 dimensions, step 3')"
    )
    page.evaluate("run => document.dispatchEvent(new CustomEvent('ssl-step', { detail: { run, step: 0 } }))", run)
    page.wait_for_function(
        "document.querySelector('.ssl-geometry > .ssl-head .ssl-good').textContent.startsWith('projector, 128 dimensions, step 0')"
    )
    page.click(".ssl-geometry .ssl-switch button >> nth=0")
    page.wait_for_function("document.querySelector('.ssl-geometry > .ssl-head .ssl-good').textContent.startsWith('backbone')")
    assert page.text_content(".ssl-measure:has-text('Participation ratio') .ssl-value") != now
