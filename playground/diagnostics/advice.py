"""What to change where a run goes wrong, as far as its method has it to change.

A safeguard is a switch: where it is off, it is to be turned back on. Where all are on, only numbers and options can help: those that the
method itself names in `remedies`, then those that every run has.
"""

from __future__ import annotations

from collections.abc import Sequence

from playground.diagnostics.run_context import RunContext

NEEDS = {  # what is missing; for methods that hold against it by a safeguard
    "complete collapse": "Something must keep images apart",
    "dimensional collapse": "Something must keep dimensions from repeating each other",
    "cluster collapse": "Bins must be given out evenly",
    "one-hot teacher": "The teacher's favorite bin must lose its lead",
    "uniform teacher": "The teacher must be surer than the student",
    "no learning": "Check what drives the learning",
}
GENTLER = ("a lower learning rate", "a longer warm-up")
WIDER = ("a larger batch size", "weaker augmentation", "a lower learning rate")
WHOLE = {  # sentences of their own
    "divergence": "Take smaller steps: lower the learning rate, or lengthen the warm-up.",
    "pictures alike": "Add pictures that differ, and look at them on the Data page.",
}
IDLE = "the learning rate may be too low or too high, the run too short, or the task too easy"


def advice(kind: str, nuisance: str, of: RunContext) -> str:
    """kind: of collapse, also where only the projector has it; nuisance: what explains the features, for a shortcut."""
    if kind == "shortcut":
        change = f"let the augmentation change {nuisance} more, so that two views of an image no longer share it."
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
    """The method's own controls first. More in a batch, or less augmentation, where views are compared and no safeguard is for this."""
    wider = of.compares and kind in ("complete collapse", "dimensional collapse") and kind not in of.guards.values()
    return list(dict.fromkeys([*of.remedies.get(kind, ()), *(WIDER if wider else GENTLER)]))


def _listed(ways: Sequence[str]) -> str:
    return f"{', '.join(ways[:-1])}, or {ways[-1]}"
