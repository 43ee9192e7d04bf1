"""The collapse judge: one sentence about a representation, and the numbers it rests on."""

from __future__ import annotations

import math
from collections.abc import Mapping

from playground.events import Verdict

COMPLETE = 0.15  # of the healthy spread: below it all images look alike to the network
NARROW = 0.05  # of the dimensions: below it the features live in a thin slice of their space
SETTLING = 20  # steps before which nothing is said


def judge(step: int, values: Mapping[str, float], sizes: Mapping[str, int], baseline: Mapping[str, float]) -> Verdict:
    """values: the diagnostics of this step; sizes: layer -> its dimensions; baseline: the diagnostics of step 0.

    The layer that the loss works on is judged, since that is where collapse begins; the backbone where there is no projector.
    """
    prefix = "projector/" if "projector/feature_std" in values else ""
    layer = "projector" if prefix else "backbone"
    size = sizes[layer]
    relative = values[f"{prefix}feature_std"] * math.sqrt(size)
    rank = values[f"{prefix}rankme_centered"]
    evidence = {"relative_std": relative, "rank": rank, "rank_share": rank / size, "uniformity": values[f"{prefix}uniformity"]}
    state, sentence = _state(step, relative, rank, size, layer)
    gain = _gain(values, baseline)
    return Verdict(step, state, sentence + (gain if state == "healthy" else ""), evidence)


def _state(step: int, relative: float, rank: float, size: int, layer: str) -> tuple[str, str]:
    spread = f"the {layer}'s features spread to {relative:.0%} of 1/sqrt({size})"
    if not math.isfinite(relative):
        return "failed", "The features are no longer finite numbers."
    if step < SETTLING:
        return "starting", f"Too early to judge: {spread}."
    if relative < COMPLETE:
        return "complete collapse", f"All images look alike to the network: {spread}."
    if rank < NARROW * size:
        return "dimensional collapse", f"Only about {rank:.1f} of {size} dimensions are in use, although {spread}."
    return "healthy", f"No collapse: {spread}, and about {rank:.0f} of {size} dimensions are in use."


def _gain(values: Mapping[str, float], baseline: Mapping[str, float]) -> str:
    """What has been learned since step 0, in the factor that moved most."""
    moves = {name: values[name] - baseline[name] for name in values if name.startswith("knn/") and name in baseline}
    if not moves:
        return ""
    name = max(moves, key=lambda each: moves[each])
    return f" Neighbors agree on {name.removeprefix('knn/')} {values[name]:.0%} of the time, from {baseline[name]:.0%} at random weights."
