"""What stands beside a verdict agrees with it."""

import pytest

SUMMARY = """
async ([state, apart, value]) => {
  const { Grounds } = await import("/assets/verdict.js")
  const grounds = new Grounds(apart)
  const limit = { side: "below", limit: 1, clears: 2, says: "dimensional collapse" }
  const check = { layer: "backbone", what: "rank", holds: false, met: false, value, ...limit }
  grounds.update({ state, layers: { backbone: state }, checks: [check, { ...check, what: "spread", value: 9 }] })
  return grounds.summary.textContent
}
"""


@pytest.mark.parametrize(
    ("state", "apart", "value", "says"),
    [
        ("healthy", False, 9, "0 of 2 checks find a problem"),
        ("unclear", False, 9, "0 of 2 checks find a problem, but there is not enough evidence that anything was learned"),
        ("unclear", True, 9, "2 checks find no problem, but there is not enough evidence that anything was learned"),
        ("unclear", False, 1.5, "0 of 2 checks find a problem, 1 is unclear: too few are clear to call it healthy"),
        ("healthy", True, 1.5, "1 check finds no problem, 1 is unclear"),
    ],
)
def test_the_line_of_checks_says_why_a_verdict_is_unclear(scripts, state, apart, value, says):
    assert scripts.evaluate(SUMMARY, [state, apart, value]) == says
