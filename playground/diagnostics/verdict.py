"""The collapse judge: what has become of a representation, how that is known, and what to change.

    healthy                none of the others
    complete collapse      all images look alike to the network
    dimensional collapse   images differ, but in few directions only
    projector collapse     one of these two in the projector, while the backbone below it has learned something
    cluster collapse       all images in one bin, or each in all bins alike
    one-hot, uniform teacher     the same for a teacher's bins
    shortcut               a nuisance, such as color, explains the features, and the data set's subject was not learned
    no learning            nothing is better than at random weights
    divergence             the numbers have left the finite ones, or are far worse than at the start
    pictures alike         the pictures do not differ, and no network could tell them apart
    unclear                the evidence is thin: a value lies between its limits, or nothing shows that anything was learned
    starting               too early to say

Every rule is made of checks with their limits, `limits`; `ssl-playground judge` measures how often they are right.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

from playground.diagnostics.advice import WHOLE, advice
from playground.diagnostics.checks import Rule
from playground.diagnostics.limits import HALF, PATIENCE, SETTLING, SPREAD
from playground.diagnostics.rules import (
    Values,
    dimensions,
    gains,
    known,
    learned,
    least_gain,
    main_nuisance,
    relative_std,
    rules_for,
    spread_of,
)
from playground.diagnostics.run_context import RunContext
from playground.events import Verdict
from playground.metric_names import in_layer, metric


def judge(step: int, values: Values, start: Values, of: RunContext, before: Verdict | None = None) -> Verdict:
    """values: the diagnostics of this step by metric name, and `LossCourse.told`; start: those of the first; before: the last verdict.

    A verdict once given stands while values lie between the two edges of their limits, so that it does not flicker; a failure does not
    where the subject of the data set is known better than at the start.
    """
    if not all(math.isfinite(each) for each in values.values()):
        return diverged(step, "The features are no longer finite numbers.")
    if not of.trains:
        return Verdict(
            step, "no learning", "These are random weights that never change: others are compared with them.", _evidence(values, of)
        )
    rules, standing = rules_for(values, start, of), None if learned(values, start, of) else before
    speaking = [each for each in rules if each.speaks(step, standing)]
    found = next((each for each in speaking if each.met), next(iter(speaking), None))  # what holds now counts more than what held before
    layers = {layer: _state_of(layer, rules, step, standing) for layer in of.sizes}
    if found and found.layer == "data":
        layers = dict.fromkeys(layers, "unclear")
    told = [check for each in rules for check in each.told(step, standing)]
    doubted = {each.layer for each in rules if each.unclear(step, before)} & set(layers)
    if found:
        state, sentence = _sick(found, rules, values, of, doubted)
        to_do = advice(found.says, main_nuisance(values, of)[0], of)
    else:
        (state, sentence), to_do = _well(step, rules, values, start, of, before), ""
    if state == "unclear":
        doubted = doubted or {"backbone"}  # the layer that is to learn
    if state != "healthy":
        layers = {layer: "unclear" if layer in doubted and each == "healthy" else each for layer, each in layers.items()}
    return Verdict(step, state, sentence, _evidence(values, of), to_do, layers, told)


def diverged(step: int, sentence: str) -> Verdict:
    """The verdict where numbers are no longer finite and nothing else can be measured."""
    return Verdict(step, "divergence", sentence[:1].upper() + sentence[1:], {}, WHOLE["divergence"])


def _sick(found: Rule, rules: Sequence[Rule], values: Values, of: RunContext, doubted: Collection[str]) -> tuple[str, str]:
    """State and sentence where a rule speaks. A backbone is alive where none of its rules is met, however early it is."""
    if found.layer == "projector" and not any(each.met for each in rules if each.layer == "backbone"):
        alive = "Whether the backbone below it is alive is unclear" if "backbone" in doubted else "The backbone below it is alive"
        return "projector collapse", f"{found.sentence} {alive}: {spread_of('backbone', values, of)}."
    return found.says, found.sentence


def _well(step: int, rules: Sequence[Rule], values: Values, start: Values, of: RunContext, before: Verdict | None) -> tuple[str, str]:
    """State and sentence where no rule speaks: healthy, unless the evidence is thin."""
    if step < SETTLING:  # no failure yet: SimCLR at a hundred times its learning rate begins at 0.3 % of the spread, and recovers
        alike = ", though images look much alike so far" if SPREAD[of.main_layer].met(relative_std(of.main_layer, values, of)) else ""
        return (
            "starting",
            f"Too early to judge{alike}: {spread_of(of.main_layer, values, of)}.",
        )
    sentence = _no_collapse(values, of)
    gained, least = gains(values, start).get(of.about), 0.0
    if gained is not None:
        least = least_gain(of.about, values, start, of)
        sentence += f" {known(of.about, values, start)}"
    was_healthy = before is not None and before.state == "healthy"
    if learned(values, start, of):
        return "healthy", sentence
    near = next((each for each in rules if each.unclear(step, before)), None)
    if near:
        return "unclear", _between(near)
    if gained is None or (was_healthy and gained >= HALF * least):
        return "healthy", sentence
    if step < PATIENCE and gained > -least:
        return "healthy", f"{sentence} Whether it learns is said from step {PATIENCE} on."
    return _nothing_shown(gained, least, values, start, of)


def _between(rule: Rule) -> str:
    """Why nothing can be said: which values lie between the edges of their limits."""
    gray = [each for each in rule.checks if not each.limit.met(each.value)]
    sides = {"below": ("less", "more"), "above": ("more", "less")}
    parts = [
        f"{each.what}: {each.value:.3g} ({each.limit.speaks:.3g} or {sides[each.limit.side][0]} is {rule.says}, "
        f"{each.limit.clears:.3g} or {sides[each.limit.side][1]} is not)"
        for each in gray
    ]
    return f"The evidence is thin. In the {rule.layer}, {'; '.join(parts)}."


def _nothing_shown(gained: float, least: float, values: Values, start: Values, of: RunContext) -> tuple[str, str]:
    """Nothing has collapsed, but the subject of the data set is not known better than before."""
    others = {name: gain for name, gain in gains(values, start).items() if name != of.about and gain >= least_gain(name, values, start, of)}
    best = max(others, key=others.__getitem__, default="")
    if best and not of.compares and gained > -least:
        return "healthy", f"{_no_collapse(values, of)} {known(best, values, start)}"
    why = "less often than" if gained <= -least else "hardly more often than"
    name = metric("knn", of.about)
    now, before = values[name], start[name]
    subject = f"a vote of neighbors names the {of.about} rightly {why} at random weights: {now:.0%}, from {before:.0%}."
    sentence = f"Nothing has collapsed, but {subject}"
    return "unclear", f"{sentence} {known(best, values, start)}" if best else sentence


def _state_of(layer: str, rules: Sequence[Rule], step: int, before: Verdict | None) -> str:
    if step < SETTLING:
        return "starting"
    speaking = [each for each in rules if each.layer == layer and each.speaks(step, before)]
    return next((each.says for each in speaking if each.met), speaking[0].says if speaking else "healthy")


def _evidence(values: Values, of: RunContext) -> dict[str, float]:
    evidence: dict[str, float] = {}
    for layer in of.sizes:
        rank = values[in_layer(layer, "rankme_centered")]
        found = {"relative_std": relative_std(layer, values, of), "rank": rank, "rank_share": rank / of.most(layer)}
        found |= {name: values[in_layer(layer, name)] for name in ("uniformity", "view_agreement")}
        evidence |= {in_layer(layer, name): value for name, value in found.items()}
    bins = [metric(who, name) for who in of.bins for name in ("perplexity", "entropy")]
    return evidence | {name: values[name] for name in bins}


def _no_collapse(values: Values, of: RunContext) -> str:
    layer = of.main_layer
    rank = values[in_layer(layer, "rankme_centered")]
    though = ", though images still look much alike" if SPREAD[layer].met(relative_std(layer, values, of)) else ""
    return f"No collapse{though}: {spread_of(layer, values, of)}, and about {rank:.0f} of {dimensions(layer, of)} are in use."
