"""A map is called what it is."""

import pytest

DRAW = """
async ([wanted, layouts]) => {
  const { default: PointMap } = await import("/assets/panels/map.js")
  const place = document.createElement("div")
  place.theme = {}
  const map = new PointMap(place)
  map.run = { layouts: new Set(layouts), snapshots: new Map([[0, 0], [20, 0]]), now: () => undefined }
  map.probe = { labels: {}, count: 2 }
  map.kind = wanted
  map.controls(map.steps())
  map.describe(20, map.drawnKind())
  const pressed = (each) => (each.getAttribute("aria-pressed") === "true" ? " pressed" : "")
  const buttons = [...map.switch.children].map((each) => `${each.textContent}${pressed(each)}`)
  return [buttons, map.canvas.getAttribute("aria-label"), map.caution.textContent]
}
"""


@pytest.mark.parametrize(
    ("wanted", "layouts", "buttons", "shown"),
    [
        ("umap", [], ["UMAP …", "PCA pressed"], "PCA"),
        ("umap", [20], ["UMAP pressed", "PCA"], "UMAP"),
        ("pca", [20], ["UMAP", "PCA pressed"], "PCA"),
    ],
)
def test_a_map_is_called_what_is_shown_and_not_what_is_waited_for(scripts, wanted, layouts, buttons, shown):
    found, label, caution = scripts.evaluate(DRAW, [wanted, layouts])
    assert found == buttons and f"{shown} of the backbone" in label and shown in caution
