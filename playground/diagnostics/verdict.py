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
    starting               too early to say

Every rule is a `Check` with its threshold; `ssl-playground judge` measures how often they are right.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from playground.diagnostics.rules import (
    COMPLETE,
    GAIN,
    SETTLING,
    Rule,
    Subject,
    best_gain,
    main_layer,
    main_nuisance,
    prefix_of,
    relative_std,
    rules_for,
    spread_of,
)
from playground.events import Verdict

ADVICE = {
    "complete collapse": "Something must keep images apart: {off}.",
    "dimensional collapse": "Something must keep dimensions from repeating each other: {off}.",
    "projector collapse": "The loss has nothing left to teach the backbone: {off}.",
    "cluster collapse": "Bins must be given out evenly: {off}.",
    "one-hot teacher": "The teacher's favorite bin must lose its lead: {off}.",
    "uniform teacher": "The teacher must be surer than the student: {off}.",
    "shortcut": "Let the augmentation change {nuisance}, so that two views of an image no longer share it.",
    "no learning": "Check what drives the learning: {off}.",
    "divergence": "Take smaller steps: lower the learning rate, or lengthen the warm-up.",
}
USUAL = {  # where no safeguard is off
    "complete collapse": "more negatives or a stronger term against collapse, a slower teacher, or a lower learning rate",
    "dimensional collapse": "a stronger redundancy term, a larger batch, weaker augmentation, or a lower learning rate",
    "projector collapse": "more negatives or a stronger term against collapse, a slower teacher, or a lower learning rate",
    "cluster collapse": "balanced assignments, a higher temperature, or a lower learning rate",
    "one-hot teacher": "a quicker center, or a higher temperature of the teacher",
    "uniform teacher": "a lower temperature of the teacher, or a weaker center",
    "no learning": "the learning rate may be too low or too high, the run too short, or the task too easy",
}


def judge(step: int, values: Mapping[str, float], start: Mapping[str, float], of: Subject) -> Verdict:
    """values: the diagnostics of this step by metric name, and `loss`; start: those of the first step."""
    if not all(math.isfinite(each) for each in values.values()):
        return diverged(step, "The features are no longer finite numbers.")
    rules = rules_for(values, start, of)
    layers = {layer: _state_of(layer, rules, step) for layer in of.sizes}
    found = next((each for each in rules if each.speaks(step)), None)
    told = [check for each in rules for check in each.told(step)]
    evidence = _evidence(values, of)
    if step < SETTLING:
        main = main_layer(of)
        return Verdict(step, "starting", f"Too early to judge: {spread_of(main, values, of)}.", evidence, "", layers, told)
    if found is None:
        return Verdict(step, "healthy", _healthy(values, start, of), evidence, "", layers, told)
    state, sentence = found.says, found.sentence
    if found.layer == "projector" and not any(each.holds for each in rules if each.layer == "backbone"):
        state = "projector collapse"
        sentence += f" The backbone below it is alive: {spread_of('backbone', values, of)}."
    return Verdict(step, state, sentence, evidence, _advice(state, values, of), layers, told)


def diverged(step: int, sentence: str) -> Verdict:
    """The verdict where numbers are no longer finite and nothing else can be measured."""
    return Verdict(step, "divergence", sentence[:1].upper() + sentence[1:], {}, ADVICE["divergence"])


def _state_of(layer: str, rules: Sequence[Rule], step: int) -> str:
    if step < SETTLING:
        return "starting"
    return next((each.says for each in rules if each.layer == layer and each.speaks(step)), "healthy")


def _evidence(values: Mapping[str, float], of: Subject) -> dict[str, float]:
    evidence: dict[str, float] = {}
    for layer, size in of.sizes.items():
        prefix = prefix_of(layer)
        rank = values[f"{prefix}rankme_centered"]
        found = {"relative_std": relative_std(layer, values, of), "rank": rank, "rank_share": rank / size}
        found |= {name: values[f"{prefix}{name}"] for name in ("uniformity", "view_agreement")}
        evidence |= {f"{prefix}{name}": value for name, value in found.items()}
    return evidence | {f"{who}/{name}": values[f"{who}/{name}"] for who in of.bins for name in ("perplexity", "entropy")}


def _healthy(values: Mapping[str, float], start: Mapping[str, float], of: Subject) -> str:
    layer = main_layer(of)
    size, rank = of.sizes[layer], values[f"{prefix_of(layer)}rankme_centered"]
    most = min(size, of.images - 1)
    of_all = f"{size} dimensions" if most == size else f"the {most} dimensions that {of.images} images can span"
    though = ", though images still look much alike" if relative_std(layer, values, of) < COMPLETE[layer] else ""
    sentence = f"No collapse{though}: {spread_of(layer, values, of)}, and about {rank:.0f} of {of_all} are in use."
    name, gain = best_gain(values, start)
    if gain < GAIN:
        return sentence
    now, before = values[f"knn/{name}"], start[f"knn/{name}"]
    return f"{sentence} Neighbors agree on {name} {now:.0%} of the time, from {before:.0%} at random weights."


def _advice(state: str, values: Mapping[str, float], of: Subject) -> str:
    off = f"turn {' and '.join(of.off)} back on" if of.off else USUAL.get(state, "")
    return ADVICE[state].format(off=off, nuisance=main_nuisance(values, of)[0])
