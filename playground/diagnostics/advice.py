"""What to change when a run fails, using only the controls that its method has.

If a safeguard is off, the advice is to turn it back on. If all are on, only numbers and options can help: first those that the
method names in `remedies`, then those that every run has.
"""

from __future__ import annotations

from collections.abc import Sequence

from playground.diagnostics.run_context import RunContext

NEEDS = {  # what is missing, for methods that prevent the failure by a safeguard
    "complete collapse": "Different images must be kept apart",
    "dimensional collapse": "Dimensions must be kept from repeating each other",
    "cluster collapse": "All bins must be used equally",
    "one-hot teacher": "The teacher must not assign all images to one bin",
    "uniform teacher": "The teacher must be more confident than the student",
    "no learning": "Check the training signal",
}
GENTLER = ("a lower learning rate", "a longer warm-up")
WIDER = ("a larger batch size", "weaker augmentation", "a lower learning rate")
WHOLE = {  # complete sentences
    "divergence": "Take smaller steps: lower the learning rate, or lengthen the warm-up.",
    "pictures alike": "Add images that differ, and check them on the Data page.",
}
IDLE = "the learning rate may be too low or too high, the run too short, or the task too easy"


def advice(kind: str, nuisance: str, of: RunContext) -> str:
    """kind: the failure, also if only the projector has it; nuisance: the factor that explains the features, for a shortcut."""
    if kind == "shortcut":
        change = f"make the augmentation change {nuisance} more strongly, so that two views of an image no longer share it."
        return f"Turn {' and '.join(of.off)} back on, then {change}" if of.off else change[0].upper() + change[1:]
    if kind in WHOLE:
        return WHOLE[kind]
    if of.off:
        return f"{NEEDS[kind]}: turn {' and '.join(of.off)} back on."
    if kind == "no learning":
        return f"{NEEDS[kind]}: {IDLE}."
    needed = f"{NEEDS[kind]}: try" if of.guards or of.remedies.get(kind) else "What may help:"
    return f"{needed} {_listed(_helpful(kind, of))}."


def _helpful(kind: str, of: RunContext) -> list[str]:
    """The method's own controls first. A larger batch or weaker augmentation if views are compared and no safeguard is meant for this."""
    wider = of.compares and kind in ("complete collapse", "dimensional collapse") and kind not in of.guards.values()
    return list(dict.fromkeys([*of.remedies.get(kind, ()), *(WIDER if wider else GENTLER)]))


def _listed(changes: Sequence[str]) -> str:
    return f"{', '.join(changes[:-1])}, or {changes[-1]}"
