"""The arrows beside accuracies are drawn where the judge says that something was gained, and nowhere else."""

import pytest

from playground.config import RunConfig
from playground.diagnostics.limits import ERRORS, GAIN
from playground.diagnostics.run_context import RunContext

ASK = """
async ([facts, before, nows]) => {
  const { gained } = await import("/assets/panels/curves.js")
  return nows.map((now) => gained({ facts, baseline: { random: { "knn/shape": before } }, now: () => now }, "knn/shape"))
}
"""


@pytest.mark.parametrize(
    "more",
    [{"labeled": {"shape": 1000}}, {"labeled": {"shape": 30}}, {"pictures": {"distinct": 100}}, {}],
    ids=["thousand", "few", "distinct", "probe"],
)
def test_arrows_follow_the_judges_least_gain(scripts, more):
    facts = {"gain": {"least": GAIN, "errors": ERRORS}, "layers": {"backbone": 64}, "bins": {}, "probe": 512, "about": "shape"} | more
    of, nows = RunContext.of_run(RunConfig(), facts), [each / 100 for each in range(100)]
    least = [of.least_gain(0.3, now, "shape") for now in nows]
    wanted = [0 if abs(now - 0.3) < edge else 1 if now > 0.3 else -1 for now, edge in zip(nows, least, strict=True)]
    assert scripts.evaluate(ASK, [facts, 0.3, nows]) == wanted and set(wanted) == {-1, 0, 1}
    assert scripts.evaluate(ASK, [{"probe": 512}, 0.3, [0.9]]) == [0], "a run of an earlier version does not say its limit"
