"""The collapse judge: one sentence about a representation, and the numbers it rests on."""

from __future__ import annotations

import math
from collections.abc import Mapping

from playground.events import Verdict

# Of the healthy spread: below it all images look alike to the network. Projectors are spread by their losses; a backbone that no
# projector follows may keep a large part that all images share: at random weights it has 8 % and more, and may keep that for long.
COMPLETE = {"projector": 0.15, "backbone": 0.04}
DEAD = 0.002  # the same for a method that fixed targets keep from collapsing: its features may be close for long, but not the same
NARROW = 0.05  # of the dimensions: below it the features live in a thin slice of their space
FEW_BINS = 1.5  # bins in use: below it all images are in one
GAIN = 0.05  # of k-NN accuracy: less is not worth a sentence
UNDECIDED = 0.98  # of ln K: above it every image is in all bins alike
SETTLING = 30  # steps before which nothing is said: running statistics of batch norm still lag behind
TEACHER = {"one cluster": "one-hot teacher", "uniform clusters": "uniform teacher"}  # what the field calls it


def judge(
    step: int,
    values: Mapping[str, float],
    sizes: Mapping[str, int],
    bins: Mapping[str, int],
    baseline: Mapping[str, float],
    guarded: bool = True,
    images: int = 1 << 30,
) -> Verdict:
    """values: the diagnostics of this step; sizes: layer -> its dimensions; bins: who assigns -> K; baseline: those of step 0;
    guarded: whether the method has safeguards, so that it may collapse without them; images: in the probe set, since a few images
    span few dimensions.

    Bins count most: a network may sort all images into one while its features still look alive. Then the layer that the loss works
    on is judged, since that is where collapse begins; the backbone where there is no projector.
    """
    prefix = "projector/" if "projector/feature_std" in values else ""
    layer = "projector" if prefix else "backbone"
    size = sizes[layer]
    relative = values[f"{prefix}feature_std"] * math.sqrt(size)
    rank = values[f"{prefix}rankme_centered"]
    evidence = {"relative_std": relative, "rank": rank, "rank_share": rank / size, "uniformity": values[f"{prefix}uniformity"]}
    state, sentence = _state(step, relative, rank, (size, images), layer, COMPLETE[layer] if guarded else DEAD)
    for who, count in bins.items():
        evidence |= {f"{who}_{name}": values[f"{who}/{name}"] for name in ("perplexity", "entropy")}
        if state not in ("starting", "failed") and (found := _bins_state(who, count, values)):
            state, sentence = found
    gain = _gain(values, baseline)
    return Verdict(step, state, sentence + (gain if state == "healthy" else ""), evidence)


def _state(step: int, relative: float, rank: float, room: tuple[int, int], layer: str, least: float) -> tuple[str, str]:
    size, images = room
    most = min(size, images - 1)
    of = f"{size} dimensions" if most == size else f"the {most} dimensions that {images} images can span"
    spread = f"the {layer}'s features spread to {relative:.0%} of 1/sqrt({size})"
    if not math.isfinite(relative):
        return "failed", "The features are no longer finite numbers."
    if step < SETTLING:
        return "starting", f"Too early to judge: {spread}."
    if relative < least:
        return "complete collapse", f"All images look alike to the network: {spread}."
    if rank < NARROW * most:
        return "dimensional collapse", f"Only about {rank:.1f} of {of} are in use, although {spread}."
    though = ", though images still look much alike" if relative < COMPLETE[layer] else ""
    return "healthy", f"No collapse{though}: {spread}, and about {rank:.0f} of {of} are in use."


def _bins_state(who: str, count: int, values: Mapping[str, float]) -> tuple[str, str] | None:
    """Whether the bins of `who` have collapsed, and how."""
    used, undecided = values[f"{who}/perplexity"], values[f"{who}/entropy"] / math.log(count)
    if undecided > UNDECIDED:
        plateau = f"the entropy of the {who} is {undecided:.0%} of ln {count} = {math.log(count):.2f}"
        state, sentence = "uniform clusters", f"Every image is in all bins alike: {plateau}."
    elif used < FEW_BINS:
        state, sentence = "one cluster", f"All images are in one bin: {used:.1f} of {count} are in use by the {who}."
    else:
        return None
    return (TEACHER[state] if who == "teacher" else state), sentence


def _gain(values: Mapping[str, float], baseline: Mapping[str, float]) -> str:
    """What has been learned since step 0, in the factor that moved most."""
    moves = {name: values[name] - baseline[name] for name in values if name.startswith("knn/") and name in baseline}
    if not moves:
        return ""
    name = max(moves, key=lambda each: moves[each])
    if moves[name] < GAIN:
        return ""
    return f" Neighbors agree on {name.removeprefix('knn/')} {values[name]:.0%} of the time, from {baseline[name]:.0%} at random weights."
