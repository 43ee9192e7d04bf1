"""The rules of the collapse judge: which value is compared with which limit, and what speaks for which state."""

from __future__ import annotations

import math
from collections.abc import Mapping

from playground.diagnostics.checks import Check, Rule
from playground.diagnostics.limits import (
    AGREED,
    APART,
    DETAIL,
    DIFFERENT,
    DISTINCT,
    EXPLAINED,
    EXPLAINED_ALONE,
    HALF,
    MOVED,
    ONE_DIRECTION,
    OWN_SHARE,
    PATIENCE,
    QUARTER,
    RISEN,
    SPREAD,
    STILL_ALIVE,
    UNDECIDED,
    UNFOLDING,
    Limit,
    bin_limit,
    rank_limit,
)
from playground.diagnostics.run_context import RunContext
from playground.metric_names import by_factor, in_layer, metric

TEACHER = ("one-hot teacher", "uniform teacher")  # what the field calls a collapse of a teacher's bins into one, and into all
ALIKE = "pictures alike"
Values = Mapping[str, float]


def rules_for(values: Values, start: Values, of: RunContext) -> list[Rule]:
    """Every rule for this run, in the order in which they count.

    Pictures first: what is the same cannot be told apart. Then bins: a network may sort all images into one while its features still
    look alive. Then the layer that the loss works on, since that is where collapse begins, and the backbone below it.
    """
    pictures = _picture_rules(of)
    if any(each.met for each in pictures):
        return pictures  # whatever else is found comes of them
    collapses = [rule for layer in sorted(of.sizes, reverse=True) for rule in _layer_rules(layer, values, of)]
    bins = [rule for who, count in of.bins.items() for rule in _bin_rules(who, count, values)]
    rules = [*_loss_rule(values, of), *pictures, *bins, *collapses, *_idle_rules(values, start, of)]
    return rules + _shortcut_rule(values, start, of)


def _picture_rules(of: RunContext) -> list[Rule]:
    """What is wrong with the pictures, and no fault of the network's."""
    if not of.pictures:
        return []
    distinct, copies, difference, detail = (of.pictures[name] for name in ("distinct", "share", "difference", "detail"))
    same = f"Your pictures are all the same: two of them differ by {difference:.1%} of a pixel's range on average."
    plain = f"Your pictures are plain: within one, pixels differ by {detail:.1%} of their range."
    copied = f"Your pictures are copies: only {distinct:.0f} of the {distinct / copies:.0f} that the run is watched by are different."
    checks = [
        (Check("difference of two pictures", difference, DIFFERENT), f"{same} No network can tell them apart."),
        (Check("share of different pictures", copies, DISTINCT), f"{copied} There is little to tell apart."),
        (Check("detail within a picture", detail, DETAIL), f"{plain} There is nothing in them to learn."),
    ]
    return [Rule(ALIKE, "data", (check,), sentence) for check, sentence in checks]


def _layer_rules(layer: str, values: Values, of: RunContext) -> list[Rule]:
    size, most, rank = of.sizes[layer], of.most(layer), values[in_layer(layer, "rankme_centered")]
    spread = Check(f"spread, of 1/sqrt({size})", relative_std(layer, values, of), SPREAD[layer] if of.guards else STILL_ALIVE)
    narrow = Check(f"effective dimensions, of {most}", rank, rank_limit(most))
    few = f"Only about {rank:.1f} of {dimensions(layer, of)} are in use, although {spread_of(layer, values, of)}."
    return [
        Rule("complete collapse", layer, (spread,), f"All images look alike to the network: {spread_of(layer, values, of)}."),
        Rule("dimensional collapse", layer, (narrow,), few),
        *_line_rule(layer, values, of),
    ]


def _line_rule(layer: str, values: Values, of: RunContext) -> list[Rule]:
    """One direction that nearly all variance is in, however many others have a little: of a projector, which its loss spreads.

    A backbone is like that at random weights on photographs, and a narrow code that an image is painted from for its first hundred steps.
    Where a head sorts images into bins, the bins tell: a healthy DINO may order all images along one line and still use half of its bins.
    Runs measured in earlier versions do not know the number.
    """
    ratio = values.get(in_layer(layer, "participation_ratio"))
    if layer != "projector" or ratio is None or not of.guards or of.bins:
        return []
    one = f"Nearly all of the variance is along one line: a participation ratio of {ratio:.2f}, although {spread_of(layer, values, of)}."
    check = Check(f"participation ratio, of {of.most(layer)}", ratio, ONE_DIRECTION)
    return [Rule("dimensional collapse", layer, (check,), one, UNFOLDING)]


def _bin_rules(who: str, count: int, values: Values) -> list[Rule]:
    """Whether the bins of `who` have collapsed, to either side."""
    used, undecided = values[f"{who}/perplexity"], values[f"{who}/entropy"] / math.log(count)
    one, all_alike = TEACHER if who == "teacher" else ("cluster collapse", "cluster collapse")
    plateau = f"the entropy of the {who} is {undecided:.0%} of ln {count} = {math.log(count):.2f}"
    in_one = f"All images are in one bin, or in two: {used:.1f} of {count} are in use by the {who}."
    return [
        Rule(all_alike, who, (Check(f"entropy, of ln {count}", undecided, UNDECIDED),), f"Every image is in all bins alike: {plateau}."),
        Rule(one, who, (Check(f"bins in use, of {count}", used, bin_limit(count)),), in_one),
    ]


def _loss_rule(values: Values, of: RunContext) -> list[Rule]:
    """A loss that is finite but far above where it began, since it has meant the same thing, and above a guess."""
    if "loss/start" not in values or not of.steady:
        return []
    start, now = values["loss/start"], values["loss"]
    highest = f" It can be no more than {of.loss.high:.3g}." if math.isfinite(of.loss.high) else ""
    sentence = f"The loss has gone up from {start:.3g} to {now:.3g} since the run began or a setting of its task was changed.{highest}"
    return [Rule("divergence", "training", (Check("rise of the loss, of its size", of.loss.rise(start, now), RISEN),), sentence)]


def _shortcut_rule(values: Values, start: Values, of: RunContext) -> list[Rule]:
    """One nuisance tells most of what the features say. Where views agree, it has solved the task, and less will do.

    Only where a method learns what two views share: who restores colors must keep them.
    """
    nuisance, share = main_nuisance(values, of)
    if not of.compares or not nuisance:
        return []
    solved = of.about and values["view_agreement"] > AGREED
    checks = [Check(f"variance explained by {nuisance}", share, EXPLAINED if solved else EXPLAINED_ALONE)]
    gain = gains(values, start).get(of.about)
    subject = ""
    if gain is not None:
        checks += [_gain_check(of.about, values, start, of), *_own_share_check(values, start, of)]
        subject = f" {known(of.about, values, start)}"
    sentence = f"The network tells images apart by {nuisance}, which explains {share:.0%} of its features' variance.{subject}"
    return [Rule("shortcut", "backbone", tuple(checks), sentence, PATIENCE)]


def _idle_rules(values: Values, start: Values, of: RunContext) -> list[Rule]:
    """Nothing learned: features are as they were, or two views of an image are no closer than two images, or the subject is known worse
    than before; and no label is better known.
    """
    name = max(gains(values, start), key=gains(values, start).__getitem__, default="")
    best = (_gain_check(name, values, start, of, "largest "),) if name else ()
    still = Check("change since the start, 1 - CKA", values["moved"], MOVED)
    unmoved = f"The features are as they were at the start: their CKA with it is {1 - values['moved']:.2f}, where 1 is the same."
    found = [Rule("no learning", "backbone", (still, *best), unmoved, PATIENCE)]
    if of.compares:
        agreement = values["view_agreement"]
        strangers = f"Two views of one image are hardly closer than two images: view agreement {agreement:.2f}, where 1 is perfect."
        found.append(Rule("no learning", "backbone", (Check("view agreement", agreement, APART), *best), strangers, PATIENCE))
    if of.about in gains(values, start):
        gain, least = gains(values, start)[of.about], least_gain(of.about, values, start, of)
        lost = Check(f"fall of k-NN on {of.about}", -gain, Limit("above", HALF * least, 0.0))
        worse = f"The features are worse than at the start. {known(of.about, values, start)}"
        found.append(Rule("no learning", "backbone", (lost, *best), worse, PATIENCE))
    return found


def _gain_check(name: str, values: Values, start: Values, of: RunContext, which: str = "") -> Check:
    """A gain of k-NN accuracy that is less than what chance gives; twice as much clears."""
    gain, least = gains(values, start)[name], least_gain(name, values, start, of)
    return Check(f"{which}gain of k-NN on {name}", gain, Limit("below", least, least))


def _own_share_check(values: Values, start: Values, of: RunContext) -> list[Check]:
    """Whether the subject explains more of the features than at the start, where its gain alone is too small to tell.

    On photographs color explains much at random weights already, and few images make small gains uncertain.
    """
    gain, ratio = gains(values, start)[of.about], own_share(of.about, values, start)
    if gain < QUARTER * least_gain(of.about, values, start, of) or ratio is None:
        return []
    return [Check(f"growth of the variance explained by {of.about}", ratio, OWN_SHARE)]


def learned(values: Values, start: Values, of: RunContext) -> bool:
    """Whether the subject of the data set is known better than at the start: by a sure gain, or by half of one and what it explains."""
    gain, ratio = gains(values, start).get(of.about), own_share(of.about, values, start)
    if gain is None:
        return False
    least = least_gain(of.about, values, start, of)
    return gain >= least or (gain >= HALF * least and ratio is not None and not OWN_SHARE.near(ratio))


def own_share(about: str, values: Values, start: Values) -> float | None:
    """How many times as much of the features' variance the subject of the data set explains as at the start, where that is known."""
    name = metric("explained", about)
    return values[name] / start[name] if name in values and start.get(name) else None


def gains(values: Values, start: Values) -> dict[str, float]:
    """Factor -> how much its k-NN accuracy has gained since the start; nothing where there are no labels."""
    before = by_factor("knn", start)
    return {name: now - before[name] for name, now in by_factor("knn", values).items() if name in before}


def least_gain(name: str, values: Values, start: Values, of: RunContext) -> float:
    """What its gain must exceed to be no chance."""
    return of.least_gain(start[metric("knn", name)], values[metric("knn", name)], name)


def known(name: str, values: Values, start: Values) -> str:
    """k-NN accuracy in words: it is that of a weighted vote among each image's neighbors."""
    now, before = values[metric("knn", name)], start[metric("knn", name)]
    return f"A vote of its neighbors names the {name} of an image rightly in {now:.0%} of cases, from {before:.0%} at random weights."


def relative_std(layer: str, values: Values, of: RunContext) -> float:
    """The spread of a layer's unit features, as a share of that of features all over the sphere."""
    return values[in_layer(layer, "feature_std")] * math.sqrt(of.sizes[layer])


def dimensions(layer: str, of: RunContext) -> str:
    """How many its features can span, in words."""
    size, most = of.sizes[layer], of.most(layer)
    return f"{size} dimensions" if most == size else f"the {most} dimensions that {of.images} images can span"


def spread_of(layer: str, values: Values, of: RunContext) -> str:
    """`relative_std` in words."""
    return f"the {layer}'s features spread to {relative_std(layer, values, of):.0%} of 1/sqrt({of.sizes[layer]})"


def main_nuisance(values: Values, of: RunContext) -> tuple[str, float]:
    """What explains most of the features and is not what the data set is about, and its share; "" where nothing is known."""
    shares = by_factor("explained", values)
    shares.pop(of.about, None)
    return max(shares.items(), key=lambda each: each[1], default=("", 0.0))
