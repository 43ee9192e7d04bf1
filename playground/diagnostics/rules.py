"""The rules of the collapse judge: which value is compared with which limit, and which state follows."""

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
    FIXED_TARGETS,
    HALF,
    MOVED,
    ONE_DIRECTION,
    OWN_SHARE,
    PATIENCE,
    QUARTER,
    RISEN,
    SPREAD,
    UNDECIDED,
    UNFOLDING,
    Limit,
    bin_limit,
    rank_limit,
)
from playground.diagnostics.run_context import RunContext
from playground.metric_names import by_factor, in_layer, metric

TEACHER = (
    "one-hot teacher",
    "uniform teacher",
)  # a teacher that puts all images into one bin, and one that spreads each image over all bins
ALIKE = "pictures alike"
Values = Mapping[str, float]


def rules_for(values: Values, start: Values, of: RunContext) -> list[Rule]:
    """Every rule for this run, in the order of their priority.

    Images first: equal images cannot be distinguished. Then bins: all images may be in one bin although their features still differ.
    Then the layer on which the loss is computed, because collapse begins there, and then the backbone.
    """
    pictures = _picture_rules(of)
    if any(each.met for each in pictures):
        return pictures  # all other findings follow from these
    collapses = [rule for layer in sorted(of.sizes, reverse=True) for rule in _layer_rules(layer, values, of)]
    bins = [rule for who, count in of.bins.items() for rule in _bin_rules(who, count, values)]
    rules = [*_loss_rule(values, of), *pictures, *bins, *collapses, *_idle_rules(values, start, of)]
    return rules + _shortcut_rule(values, start, of)


def _picture_rules(of: RunContext) -> list[Rule]:
    """Problems of the images, not of the network."""
    if not of.pictures:
        return []
    distinct, copies, difference, detail = (of.pictures[name] for name in ("distinct", "share", "difference", "detail"))
    same = f"Your images are all the same: two of them differ by {difference:.1%} of a pixel's range on average."
    plain = f"Your images are plain: within one image, pixels differ by {detail:.1%} of their range."
    copied = f"Your images are copies: only {distinct:.0f} of the {distinct / copies:.0f} probe images are different."
    checks = [
        (Check("difference of two pictures", difference, DIFFERENT), f"{same} No network can distinguish them."),
        (Check("share of different pictures", copies, DISTINCT), f"{copied} There is little to distinguish."),
        (Check("detail within a picture", detail, DETAIL), f"{plain} There is nothing in them to learn."),
    ]
    return [Rule(ALIKE, "data", (check,), sentence) for check, sentence in checks]


def _layer_rules(layer: str, values: Values, of: RunContext) -> list[Rule]:
    size, most, rank = of.sizes[layer], of.most(layer), values[in_layer(layer, "rankme_centered")]
    spread = Check(f"spread, of 1/sqrt({size})", relative_std(layer, values, of), SPREAD[layer] if of.guards else FIXED_TARGETS)
    narrow = Check(f"effective dimensions, of {most}", rank, rank_limit(most))
    few = f"Only about {rank:.1f} of {dimensions(layer, of)} are in use, although {spread_of(layer, values, of)}."
    return [
        Rule("complete collapse", layer, (spread,), f"The features of all images are nearly equal: {spread_of(layer, values, of)}."),
        Rule("dimensional collapse", layer, (narrow,), few),
        *_line_rule(layer, values, of),
    ]


def _line_rule(layer: str, values: Values, of: RunContext) -> list[Rule]:
    """Nearly all variance of a projector in one direction, even if many others have a little.

    Only for projectors, because losses spread their features: a backbone is like this with random weights on photographs, and so is the
    code of an autoencoder in its first hundred steps. If a head assigns images to bins, the use of bins decides: a healthy DINO may order
    all images along one line and still use half of its bins. Runs of earlier versions do not have this value.
    """
    ratio = values.get(in_layer(layer, "participation_ratio"))
    if layer != "projector" or ratio is None or not of.guards or of.bins:
        return []
    one = (
        f"Nearly all of the variance is in one direction: the participation ratio is {ratio:.2f}, although {spread_of(layer, values, of)}."
    )
    check = Check(f"participation ratio, of {of.most(layer)}", ratio, ONE_DIRECTION)
    return [Rule("dimensional collapse", layer, (check,), one, UNFOLDING)]


def _bin_rules(who: str, count: int, values: Values) -> list[Rule]:
    """Whether the bins of `who` have collapsed: all images in one bin, or each image in all bins."""
    used, undecided = values[f"{who}/perplexity"], values[f"{who}/entropy"] / math.log(count)
    one, all_alike = TEACHER if who == "teacher" else ("cluster collapse", "cluster collapse")
    plateau = f"the entropy of the {who} is {undecided:.0%} of ln {count} = {math.log(count):.2f}"
    in_one = f"All images are in one or two bins: the {who} uses {used:.1f} of {count}."
    return [
        Rule(
            all_alike,
            who,
            (Check(f"entropy, of ln {count}", undecided, UNDECIDED),),
            f"Every image is spread evenly over all bins: {plateau}.",
        ),
        Rule(one, who, (Check(f"bins in use, of {count}", used, bin_limit(count)),), in_one),
    ]


def _loss_rule(values: Values, of: RunContext) -> list[Rule]:
    """A finite loss that is far above its start, counted from the last change of the task, and above that of a guess."""
    if "loss/start" not in values or not of.steady:
        return []
    start, now = values["loss/start"], values["loss"]
    highest = f" Its highest possible value is {of.loss.high:.3g}." if math.isfinite(of.loss.high) else ""
    sentence = f"The loss has risen from {start:.3g} to {now:.3g} since the run began or a setting of its task was changed.{highest}"
    return [Rule("divergence", "training", (Check("rise of the loss, of its size", of.loss.rise(start, now), RISEN),), sentence)]


def _shortcut_rule(values: Values, start: Values, of: RunContext) -> list[Rule]:
    """One nuisance explains most of the features. If views agree, it has solved the task, and a lower limit applies.

    Only for methods that learn what two views share: a method that reconstructs colors must represent them.
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
    sentence = f"The network distinguishes images by {nuisance}, which explains {share:.0%} of the variance of its features.{subject}"
    return [Rule("shortcut", "backbone", tuple(checks), sentence, PATIENCE)]


def _idle_rules(values: Values, start: Values, of: RunContext) -> list[Rule]:
    """Nothing learned: features have not changed, or two views of an image are no closer than two images, or the accuracy for the main
    factor has fallen; and no accuracy has risen.
    """
    name = max(gains(values, start), key=gains(values, start).__getitem__, default="")
    best = (_gain_check(name, values, start, of, "largest "),) if name else ()
    still = Check("change since the start, 1 - CKA", values["moved"], MOVED)
    unmoved = f"The features have hardly changed: their CKA with the start is {1 - values['moved']:.2f}; 1 means no change."
    rules = [Rule("no learning", "backbone", (still, *best), unmoved, PATIENCE)]
    if of.compares:
        agreement = values["view_agreement"]
        apart = f"Two views of one image are hardly closer than two images: the view agreement is {agreement:.2f}; 1 is perfect."
        rules.append(Rule("no learning", "backbone", (Check("view agreement", agreement, APART), *best), apart, PATIENCE))
    if of.about in gains(values, start):
        gain, least = gains(values, start)[of.about], least_gain(of.about, values, start, of)
        lost = Check(f"fall of k-NN on {of.about}", -gain, Limit("above", HALF * least, 0.0))
        worse = f"The features are worse than at the start. {known(of.about, values, start)}"
        rules.append(Rule("no learning", "backbone", (lost, *best), worse, PATIENCE))
    return rules


def _gain_check(name: str, values: Values, start: Values, of: RunContext, which: str = "") -> Check:
    """A gain of k-NN accuracy that is within chance."""
    gain, least = gains(values, start)[name], least_gain(name, values, start, of)
    return Check(f"{which}gain of k-NN on {name}", gain, Limit("below", least, least))


def _own_share_check(values: Values, start: Values, of: RunContext) -> list[Check]:
    """Whether the main factor explains more of the features than at the start, used if its gain of accuracy alone is too small to decide.

    On photographs, color already explains much with random weights, and with few images small gains are uncertain.
    """
    gain, ratio = gains(values, start)[of.about], own_share(of.about, values, start)
    if gain < QUARTER * least_gain(of.about, values, start, of) or ratio is None:
        return []
    return [Check(f"growth of the variance explained by {of.about}", ratio, OWN_SHARE)]


def learned(values: Values, start: Values, of: RunContext) -> bool:
    """Whether the main factor of the dataset was learned: by a significant gain of accuracy, or half of it and more explained variance."""
    gain, ratio = gains(values, start).get(of.about), own_share(of.about, values, start)
    if gain is None:
        return False
    least = least_gain(of.about, values, start, of)
    return gain >= least or (gain >= HALF * least and ratio is not None and not OWN_SHARE.near(ratio))


def own_share(about: str, values: Values, start: Values) -> float | None:
    """The variance explained by the main factor of the dataset, divided by that at the start; None if it is not known."""
    name = metric("explained", about)
    return values[name] / start[name] if name in values and start.get(name) else None


def gains(values: Values, start: Values) -> dict[str, float]:
    """Factor -> the gain of its k-NN accuracy since the start; empty without labels."""
    before = by_factor("knn", start)
    return {name: now - before[name] for name, now in by_factor("knn", values).items() if name in before}


def least_gain(name: str, values: Values, start: Values, of: RunContext) -> float:
    """The gain that must be exceeded to be more than chance."""
    return of.least_gain(start[metric("knn", name)], values[metric("knn", name)], name)


def known(name: str, values: Values, start: Values) -> str:
    """The k-NN accuracy in a sentence."""
    now, before = values[metric("knn", name)], start[metric("knn", name)]
    return f"The k-NN accuracy for {name} is {now:.0%}; with random weights it was {before:.0%}."


def relative_std(layer: str, values: Values, of: RunContext) -> float:
    """The spread of a layer's unit features, as a share of that of features spread over the whole sphere."""
    return values[in_layer(layer, "feature_std")] * math.sqrt(of.sizes[layer])


def dimensions(layer: str, of: RunContext) -> str:
    """The number of dimensions that the features can span, in words."""
    size, most = of.sizes[layer], of.most(layer)
    return f"{size} dimensions" if most == size else f"the {most} dimensions that {of.images} images can span"


def spread_of(layer: str, values: Values, of: RunContext) -> str:
    """`relative_std` in words."""
    return f"the feature std of the {layer} is {relative_std(layer, values, of):.0%} of 1/sqrt({of.sizes[layer]})"


def main_nuisance(values: Values, of: RunContext) -> tuple[str, float]:
    """The factor, other than the main one, that explains most of the features, and its share; "" if none is known."""
    shares = by_factor("explained", values)
    shares.pop(of.about, None)
    return max(shares.items(), key=lambda each: each[1], default=("", 0.0))
