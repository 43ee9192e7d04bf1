"""The collapse judge: the state of a representation, the evidence for it, and what to change.

    healthy                none of the others
    complete collapse      the features of all images are nearly equal
    dimensional collapse   images differ, but only in few directions
    projector collapse     one of these two in the projector, but not in the backbone
    cluster collapse       all images are in one bin, or each is spread evenly over all bins
    one-hot, uniform teacher     the same for the outputs of a teacher
    shortcut               a nuisance, such as color, explains the features, and the main factor of the dataset was not learned
    no learning            nothing is better than with random weights
    divergence             values are not finite, or far worse than at the start
    pictures alike         the images do not differ, so no network can distinguish them
    unclear                the evidence is not sufficient: a value lies between its limits, or nothing shows that anything was learned
    starting               too early to decide

Every rule consists of checks with their limits, `limits`; `ssl-playground judge` measures how often they are right.
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
    """values: the diagnostics of this step by metric name, and `LossCourse.values`; start: those of step 0; before: the last verdict.

    A verdict remains while values lie between the two edges of their limits, so that it does not flicker. A failure does not remain
    if the main factor of the dataset was learned.
    """
    if not all(math.isfinite(each) for each in values.values()):
        return diverged(step, "The features are no longer finite numbers.")
    if not of.trains:
        return Verdict(
            step, "no learning", "These are random weights that never change. They are a baseline for other runs.", _evidence(values, of)
        )
    rules, standing = rules_for(values, start, of), None if learned(values, start, of) else before
    holding = [each for each in rules if each.holds(step, standing)]
    found = next(
        (each for each in holding if each.met), next(iter(holding), None)
    )  # a rule that is met now counts more than an earlier one
    layers = {layer: _state_of(layer, rules, step, standing) for layer in of.sizes}
    if found and found.layer == "data":
        layers = dict.fromkeys(layers, "unclear")
    checks = [check for each in rules for check in each.to_dicts(step, standing)]
    doubted = {each.layer for each in rules if each.unclear(step, before)} & set(layers)
    if found:
        state, sentence = _failed(found, rules, values, of, doubted)
        to_do = advice(found.state, main_nuisance(values, of)[0], of)
    else:
        (state, sentence), to_do = _not_failed(step, rules, values, start, of, before), ""
    if state == "unclear":
        doubted = doubted or {"backbone"}  # the layer that should learn
    if state != "healthy":
        layers = {layer: "unclear" if layer in doubted and each == "healthy" else each for layer, each in layers.items()}
    return Verdict(step, state, sentence, _evidence(values, of), to_do, layers, checks)


def diverged(step: int, sentence: str) -> Verdict:
    """The verdict if values are no longer finite and nothing else can be measured."""
    return Verdict(step, "divergence", sentence[:1].upper() + sentence[1:], {}, WHOLE["divergence"])


def _failed(found: Rule, rules: Sequence[Rule], values: Values, of: RunContext, doubted: Collection[str]) -> tuple[str, str]:
    """State and sentence if a rule holds. The backbone counts as not collapsed if none of its rules is met, at any step."""
    if found.layer == "projector" and not any(each.met for each in rules if each.layer == "backbone"):
        below = "Whether the backbone has collapsed is unclear" if "backbone" in doubted else "The backbone has not collapsed"
        return "projector collapse", f"{found.sentence} {below}: {spread_of('backbone', values, of)}."
    return found.state, found.sentence


def _not_failed(step: int, rules: Sequence[Rule], values: Values, start: Values, of: RunContext, before: Verdict | None) -> tuple[str, str]:
    """State and sentence if no rule holds: healthy, unless the evidence is not sufficient."""
    if step < SETTLING:  # no failure yet: SimCLR with 100 times its learning rate begins at 0.3% of the spread, and recovers
        alike = (
            ", although the features of all images are similar so far"
            if SPREAD[of.main_layer].met(relative_std(of.main_layer, values, of))
            else ""
        )
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
        return "healthy", f"{sentence} Whether it learns is judged from step {PATIENCE} on."
    return _nothing_shown(gained, least, values, start, of)


def _between(rule: Rule) -> str:
    """Why the verdict is unclear: the values that lie between the edges of their limits."""
    gray = [each for each in rule.checks if not each.limit.met(each.value)]
    sides = {"below": ("less", "more"), "above": ("more", "less")}
    parts = [
        f"{each.what}: {each.value:.3g} ({each.limit.fails:.3g} or {sides[each.limit.side][0]} is {rule.state}, "
        f"{each.limit.clears:.3g} or {sides[each.limit.side][1]} is not)"
        for each in gray
    ]
    return f"The evidence is not sufficient. In the {rule.layer}, {'; '.join(parts)}."


def _nothing_shown(gained: float, least: float, values: Values, start: Values, of: RunContext) -> tuple[str, str]:
    """Nothing has collapsed, but the accuracy for the main factor has not risen."""
    others = {name: gain for name, gain in gains(values, start).items() if name != of.about and gain >= least_gain(name, values, start, of)}
    best = max(others, key=others.__getitem__, default="")
    if best and not of.compares and gained > -least:
        return "healthy", f"{_no_collapse(values, of)} {known(best, values, start)}"
    compared = "lower than" if gained <= -least else "hardly higher than"
    name = metric("knn", of.about)
    now, before = values[name], start[name]
    subject = f"the k-NN accuracy for {of.about} is {compared} with random weights: {now:.0%}, before {before:.0%}."
    sentence = f"Nothing has collapsed, but {subject}"
    return "unclear", f"{sentence} {known(best, values, start)}" if best else sentence


def _state_of(layer: str, rules: Sequence[Rule], step: int, before: Verdict | None) -> str:
    if step < SETTLING:
        return "starting"
    holding = [each for each in rules if each.layer == layer and each.holds(step, before)]
    return next((each.state for each in holding if each.met), holding[0].state if holding else "healthy")


def _evidence(values: Values, of: RunContext) -> dict[str, float]:
    evidence: dict[str, float] = {}
    for layer in of.sizes:
        rank = values[in_layer(layer, "rankme_centered")]
        of_layer = {"relative_std": relative_std(layer, values, of), "rank": rank, "rank_share": rank / of.most(layer)}
        of_layer |= {name: values[in_layer(layer, name)] for name in ("uniformity", "view_agreement")}
        evidence |= {in_layer(layer, name): value for name, value in of_layer.items()}
    bins = [metric(who, name) for who in of.bins for name in ("perplexity", "entropy")]
    return evidence | {name: values[name] for name in bins}


def _no_collapse(values: Values, of: RunContext) -> str:
    layer = of.main_layer
    rank = values[in_layer(layer, "rankme_centered")]
    though = ", although the features of all images are still similar" if SPREAD[layer].met(relative_std(layer, values, of)) else ""
    return f"No collapse{though}: {spread_of(layer, values, of)}, and about {rank:.0f} of {dimensions(layer, of)} are in use."
