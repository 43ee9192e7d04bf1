"""A loss that ran away can be read, and does not flatten the curve of the run that went on from before it."""

import pytest

RANGES = """
async () => {
  const { Range } = await import("/assets/ranges.js")
  const range = new Range()
  return [range.cover([20, 4e28], 1), range.cover([20, 25], 1), range.cover([20, 25], 2)]
}
"""
BEGUN = """
async () => {
  const { watch } = await import("/assets/stream.js")
  let run
  watch("divergent", (each) => { run = each })
  const seen = []
  for (const event of [[1, "started", 0, {}, 0], [2, "metrics", 3, 0, { loss: 4e28 }], [3, "started", 0, {}, 0]]) {
    run.take(event)
    seen.push(run.begun)
  }
  return seen
}
"""


def test_an_axis_begins_anew_when_the_run_goes_on_from_before_the_trouble(scripts):
    wild, still, anew = scripts.evaluate(RANGES)
    assert still == wild, "within one course it only grows"
    assert anew[0] <= 20 and 25 <= anew[1] < 40


def test_a_run_counts_how_often_it_began(scripts):
    assert scripts.evaluate(BEGUN) == [1, 1, 2]


@pytest.mark.parametrize(
    ("value", "text"), [(3431, "3,431"), (3.94e28, "3.9 × 10²⁸"), (-1.64e13, "-1.6 × 10¹³"), (9_999_999, "9,999,999"), (0.8216, "0.82")]
)
def test_a_huge_number_is_short(scripts, value, text):
    assert scripts.evaluate("async (value) => (await import('/assets/theme.js')).short(value)", value) == text


@pytest.mark.parametrize(("high", "title"), [(5.0, "loss"), (1.8e18, ""), (None, "loss")])
def test_the_long_numbers_of_a_loss_that_ran_away_take_the_room_of_their_title(scripts, high, title):
    ask = 'async (range) => (await import("/assets/ranges.js")).titleOf(range, "loss")'
    assert scripts.evaluate(ask, None if high is None else [0, high]) == title
