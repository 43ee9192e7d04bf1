"""The bars of the Collapse panel have the colors that the judge's rules give."""

import pytest

from playground.diagnostics.limits import bar_limits

SIZES = {"backbone": 64, "projector": 128}
DRAW = """
async ([facts, values]) => {
  const { default: Collapse } = await import("/assets/panels/collapse.js")
  const place = document.createElement("div")
  const panel = new Collapse(place)
  panel.turn()
  const run = { facts, now: (name) => values[name] }
  panel.measure(run, "backbone")
  panel.measure(run, "projector")
  const seen = ({ fill, value }) => [fill.dataset.state, fill.style.width, value.textContent]
  return Object.fromEntries([...panel.bars].map(([key, bar]) => [key, seen(bar)]))
}
"""


def bars(scripts, spread, rank, limits=True, images=512):
    values = {
        f"{prefix}{name}": value
        for layer, prefix in (("backbone", ""), ("projector", "projector/"))
        for name, value in (("feature_std", spread / SIZES[layer] ** 0.5), ("rankme_centered", rank))
    }
    facts = {"layers": SIZES} | ({"limits": bar_limits(SIZES, images, True)} if limits else {})
    return scripts.evaluate(DRAW, [facts, values])


@pytest.mark.parametrize(
    ("spread", "rank", "states"),
    [
        (0.9, 20.0, {"std backbone": "good", "rank backbone": "good", "std projector": "good", "rank projector": "good"}),
        (0.1, 4.0, {"std backbone": "good", "rank backbone": "fair", "std projector": "bad", "rank projector": "fair"}),  # the backbone may
        (0.05, 2.0, {"std backbone": "fair", "rank backbone": "bad", "std projector": "bad", "rank projector": "bad"}),
    ],
)
def test_bars_are_red_where_the_rule_speaks_and_yellow_where_it_is_unclear(scripts, spread, rank, states):
    assert {key: state for key, (state, _, _) in bars(scripts, spread, rank).items()} == states


def test_a_bar_is_full_at_the_dimensions_that_the_images_can_span(scripts):
    _, width, text = bars(scripts, 0.9, 15.5, images=32)["rank projector"]
    assert (width, text) == ("50%", "15.5 of 31")


def test_a_run_without_limits_has_bars_without_a_verdict(scripts):
    assert {state for state, _, _ in bars(scripts, 0.1, 4.0, limits=False).values()} == {""}
