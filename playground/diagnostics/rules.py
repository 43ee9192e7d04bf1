"""The rules of the collapse judge: what is compared with which threshold, and what speaks for which state."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from playground.knobs import knobs_of

# Of the healthy spread: below it all images look alike to the network. Projectors are spread by their losses; a backbone that no
# projector follows may keep a large part that all images share: at random weights it has 8 % and more, and may keep that for long.
COMPLETE = {"projector": 0.15, "backbone": 0.04}
DEAD = 0.002  # the same for a method that fixed targets keep from collapsing: its features may be close for long, but not the same
NARROW = 0.05  # of the dimensions: below it the features live in a thin slice of their space
FEW_BINS = 1.5  # bins in use: below it all images are in one
UNDECIDED = 0.98  # of ln K: above it every image is in all bins alike
GAIN = 0.05  # of k-NN accuracy: less is not learning
AGREED = 0.5  # view agreement: above it the network has solved the task of telling whose view it sees
APART = 0.3  # view agreement: below it two views of an image are hardly closer than two images
EXPLAINED = 0.3  # of the features' variance: above it one nuisance tells most of what they say
EXPLAINED_ALONE = 0.6  # the same where views do not agree, or no labels say whether anything else was learned
MOVED = 0.1  # of 1 - CKA with the start: less is not learning
RISEN = 3.0  # times the loss of the start
SETTLING = 30  # steps before which nothing is said: running statistics of batch norm still lag behind
PATIENCE = 100  # steps before which it is no wonder that nothing is learned yet
TEACHER = ("one-hot teacher", "uniform teacher")  # what the field calls a collapse of a teacher's bins into one, and into all


@dataclass(frozen=True)
class Subject:
    """What the judge must know of a run beside its numbers.

    sizes: layer -> its dimensions; bins: who assigns -> K; images: in the probe set, since a few images span few dimensions;
    guarded: whether the method has safeguards, so that it may collapse without them; off: those that are off; compares: whether it
    learns by what two views share; about: the factor that the data set is about, "" where there are no labels.
    """

    sizes: Mapping[str, int]
    bins: Mapping[str, int] = field(default_factory=dict)
    images: int = 1 << 30
    guarded: bool = True
    off: Sequence[str] = ()
    compares: bool = True
    about: str = ""

    @classmethod
    def of_run(cls, config: Any, facts: Mapping[str, Any]) -> Subject:
        """From a run's config and the facts that it began with, `events.Started`."""
        safeguards = [each for each in knobs_of(config.method.choice.Knobs) if each.without]
        off = [each.title for each in safeguards if not getattr(config.method, each.key)]
        compares = config.method.choice.views > 1
        return cls(facts["layers"], facts["bins"], facts["probe"], bool(safeguards), off, compares, facts["about"])


@dataclass(frozen=True)
class Check:
    """One threshold: `value` is expected not to lie on this `side` ("below" or "above") of `limit`."""

    what: str
    value: float
    side: str
    limit: float

    @property
    def met(self) -> bool:
        """Whether the value lies on that side."""
        return self.value < self.limit if self.side == "below" else self.value > self.limit


@dataclass(frozen=True)
class Rule:
    """What it `says` holds for a layer (or the whole training) when all of its checks are met."""

    says: str
    layer: str
    checks: tuple[Check, ...]
    sentence: str
    since: int = SETTLING

    @property
    def holds(self) -> bool:
        """Whether all of its checks are met."""
        return all(each.met for each in self.checks)

    def speaks(self, step: int) -> bool:
        """Whether it holds, and it is not too early to say so."""
        return self.holds and step >= self.since

    def told(self, step: int) -> list[dict[str, Any]]:
        """As `events.Verdict.checks` has them."""
        rule = {"layer": self.layer, "says": self.says, "holds": self.speaks(step)}
        return [rule | vars(each) | {"met": each.met} for each in self.checks]


def rules_for(values: Mapping[str, float], start: Mapping[str, float], of: Subject) -> list[Rule]:
    """Every rule for this run, in the order in which they count.

    Bins count most: a network may sort all images into one while its features still look alive. Then the layer that the loss works
    on, since that is where collapse begins, and the backbone below it.
    """
    collapses = [rule for layer in sorted(of.sizes, reverse=True) for rule in _layer_rules(layer, values, of)]
    bins = [rule for who, count in of.bins.items() for rule in _bin_rules(who, count, values)]
    return [*_loss_rules(values, start), *bins, *collapses, *_idle_rules(values, start, of), *_shortcut_rule(values, start, of)]


def _layer_rules(layer: str, values: Mapping[str, float], of: Subject) -> list[Rule]:
    prefix, size = prefix_of(layer), of.sizes[layer]
    most = min(size, of.images - 1)
    rank = values[f"{prefix}rankme_centered"]
    dimensions = f"{size} dimensions" if most == size else f"the {most} dimensions that {of.images} images can span"
    spread = Check(f"spread, of 1/sqrt({size})", relative_std(layer, values, of), "below", COMPLETE[layer] if of.guarded else DEAD)
    narrow = Check(f"effective dimensions, of {most}", rank / most, "below", NARROW)
    return [
        Rule("complete collapse", layer, (spread,), f"All images look alike to the network: {spread_of(layer, values, of)}."),
        Rule(
            "dimensional collapse",
            layer,
            (narrow,),
            f"Only about {rank:.1f} of {dimensions} are in use, although {spread_of(layer, values, of)}.",
        ),
    ]


def _bin_rules(who: str, count: int, values: Mapping[str, float]) -> list[Rule]:
    """Whether the bins of `who` have collapsed, to either side."""
    used, undecided = values[f"{who}/perplexity"], values[f"{who}/entropy"] / math.log(count)
    one, all_alike = TEACHER if who == "teacher" else ("cluster collapse", "cluster collapse")
    plateau = f"the entropy of the {who} is {undecided:.0%} of ln {count} = {math.log(count):.2f}"
    return [
        Rule(
            all_alike,
            who,
            (Check(f"entropy, of ln {count}", undecided, "above", UNDECIDED),),
            f"Every image is in all bins alike: {plateau}.",
        ),
        Rule(
            one,
            who,
            (Check(f"bins in use, of {count}", used, "below", FEW_BINS),),
            f"All images are in one bin: {used:.1f} of {count} are in use by the {who}.",
        ),
    ]


def _loss_rules(values: Mapping[str, float], start: Mapping[str, float]) -> list[Rule]:
    """A loss that is finite but far above where it began. Losses below zero or near it have no such ratio."""
    if "loss" not in values or start.get("loss", 0) <= 0:
        return []
    ratio = values["loss"] / start["loss"]
    sentence = f"The loss is {ratio:.1f} times what it was at the start: {values['loss']:.3g} instead of {start['loss']:.3g}."
    return [Rule("divergence", "training", (Check("loss, times that of the start", ratio, "above", RISEN),), sentence)]


def _shortcut_rule(values: Mapping[str, float], start: Mapping[str, float], of: Subject) -> list[Rule]:
    """One nuisance tells most of what the features say. Where views agree, it has solved the task, and less will do.

    Only where a method learns what two views share: who restores colors must keep them.
    """
    nuisance, share = main_nuisance(values, of)
    if not of.compares or not nuisance:
        return []
    solved = of.about and values["view_agreement"] > AGREED
    checks = [Check(f"variance explained by {nuisance}", share, "above", EXPLAINED if solved else EXPLAINED_ALONE)]
    subject = ""
    if of.about:
        before, now = start[f"knn/{of.about}"], values[f"knn/{of.about}"]
        checks.append(Check(f"gain of k-NN on {of.about}", now - before, "below", GAIN))
        subject = f" Neighbors agree on {of.about} {now:.0%} of the time, from {before:.0%} at random weights."
    sentence = f"The network tells images apart by {nuisance}, which explains {share:.0%} of its features' variance.{subject}"
    return [Rule("shortcut", "backbone", tuple(checks), sentence, PATIENCE)]


def _idle_rules(values: Mapping[str, float], start: Mapping[str, float], of: Subject) -> list[Rule]:
    """Nothing learned: features are as they were, or two views of an image are no closer than two images; and no label is better known."""
    name, gain = best_gain(values, start)
    best = (Check(f"largest gain of k-NN ({name})", gain, "below", GAIN),) if name else ()
    still = Check("change since the start, 1 - CKA", values["moved"], "below", MOVED)
    found = [Rule("no learning", "backbone", (still, *best), f"The features are as they were at the start: {_moved(values)}.", PATIENCE)]
    if of.compares:
        agreement = values["view_agreement"]
        apart = Check("view agreement", agreement, "below", APART)
        sentence = f"Two views of one image are hardly closer than two images: view agreement {agreement:.2f}, where 1 is perfect."
        found.append(Rule("no learning", "backbone", (apart, *best), sentence, PATIENCE))
    return found


def _moved(values: Mapping[str, float]) -> str:
    return f"their CKA with it is {1 - values['moved']:.2f}, where 1 is the same"


def relative_std(layer: str, values: Mapping[str, float], of: Subject) -> float:
    """The spread of a layer's unit features, as a share of that of features all over the sphere."""
    return values[f"{prefix_of(layer)}feature_std"] * math.sqrt(of.sizes[layer])


def prefix_of(layer: str) -> str:
    """How the layer's metrics are named: those of the backbone have no prefix."""
    return "" if layer == "backbone" else f"{layer}/"


def main_layer(of: Subject) -> str:
    """The layer that the loss works on."""
    return "projector" if "projector" in of.sizes else "backbone"


def spread_of(layer: str, values: Mapping[str, float], of: Subject) -> str:
    """`relative_std` in words."""
    return f"the {layer}'s features spread to {relative_std(layer, values, of):.0%} of 1/sqrt({of.sizes[layer]})"


def main_nuisance(values: Mapping[str, float], of: Subject) -> tuple[str, float]:
    """What explains most of the features and is not what the data set is about, and its share; "" where nothing is known."""
    shares = {name.removeprefix("explained/"): value for name, value in values.items() if name.startswith("explained/")}
    shares.pop(of.about, None)
    return max(shares.items(), key=lambda each: each[1], default=("", 0.0))


def best_gain(values: Mapping[str, float], start: Mapping[str, float]) -> tuple[str, float]:
    """The factor whose k-NN accuracy has gained most since the start, and how much; "" where there are no labels."""
    gains = {name.removeprefix("knn/"): values[name] - start[name] for name in values if name.startswith("knn/") and name in start}
    return max(gains.items(), key=lambda each: each[1], default=("", 0.0))
