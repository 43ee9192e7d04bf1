"""What to change where a run goes wrong, as far as its method has it to change."""

from __future__ import annotations

from playground.diagnostics.subject import Subject

NEEDS = {  # what is missing; for methods that hold against it by a safeguard
    "complete collapse": "Something must keep images apart",
    "dimensional collapse": "Something must keep dimensions from repeating each other",
    "cluster collapse": "Bins must be given out evenly",
    "one-hot teacher": "The teacher's favorite bin must lose its lead",
    "uniform teacher": "The teacher must be surer than the student",
    "no learning": "Check what drives the learning",
}
USUAL = {  # where no safeguard is off
    "cluster collapse": "a higher temperature, fewer bins, or a lower learning rate",
    "one-hot teacher": "a quicker center, or a higher temperature of the teacher",
    "uniform teacher": "a lower temperature of the teacher, or a weaker center",
    "no learning": "the learning rate may be too low or too high, the run too short, or the task too easy",
}
GENTLER = "a lower learning rate, or a longer warm-up"
WIDER = "a larger batch, weaker augmentation, or a lower learning rate"
WHOLE = {  # sentences of their own
    "divergence": "Take smaller steps: lower the learning rate, or lengthen the warm-up.",
    "pictures alike": "Add pictures that differ, and look at them on the Data page.",
}


def advice(kind: str, nuisance: str, of: Subject) -> str:
    """kind: of collapse, also where only the projector has it; nuisance: what explains the features, for a shortcut."""
    if kind == "shortcut":
        return f"Let the augmentation change {nuisance}, so that two views of an image no longer share it."
    if kind in WHOLE:
        return WHOLE[kind]
    if of.off:
        return f"{NEEDS[kind]}: turn {' and '.join(of.off)} back on."
    return f"{NEEDS[kind]}: {_usual(kind, of)}." if of.guards or kind in USUAL else f"What may help: {GENTLER}."


def _usual(kind: str, of: Subject) -> str:
    against = [title for title, state in of.guards.items() if state == kind]
    if kind in USUAL:
        return USUAL[kind]
    if against:
        return f"give more weight to {' and '.join(against)}, or try {GENTLER}"
    return f"try {WIDER if of.compares else GENTLER}"
