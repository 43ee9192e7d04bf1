"""The report on the judge: a sentence and a confusion matrix for each dataset, and a row for each run."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable

from playground.judging.cases import OPEN, SICK, STATES
from playground.judging.outcomes import Outcome

CELL, LEFT, TOP, GAP = 46, 170, 150, 40


def confusion(outcomes: Iterable[Outcome]) -> dict[tuple[str, str], int]:
    """(truth, verdict) -> number of runs, without those whose outcome is open."""
    return Counter((each.truth, each.verdict.state) for each in outcomes if each.truth != OPEN)


def by_data(outcomes: Iterable[Outcome]) -> dict[str, list[Outcome]]:
    """Dataset -> its runs."""
    found: dict[str, list[Outcome]] = {}
    for each in outcomes:
        found.setdefault(each.case.data, []).append(each)
    return found


def summary(outcomes: list[Outcome]) -> str:
    """The counts for each dataset, and separately for held-out runs."""
    lines = []
    for data, some in by_data(outcomes).items():
        lines.append(f"{data}: {counted(some)}")
        if held_out := [each for each in some if each.case.held_out]:
            lines.append(f"{data}, held out: {counted(held_out)}")
    return "\n".join(lines)


def counted(outcomes: list[Outcome]) -> str:
    """How many healthy runs were judged as failed, and how many broken ones were recognized."""
    healthy = [each for each in outcomes if each.truth == "healthy"]
    broken = [each for each in outcomes if each.truth not in ("healthy", OPEN)]
    sick, unclear = (sum(each.verdict.state == "unclear" for each in healthy), sum(not each.right for each in healthy))
    named = sum(each.right for each in broken)
    detected_at = sorted(each.detected_at for each in broken if each.detected_at is not None)
    middle = f"; half of these were recognized by step {detected_at[len(detected_at) // 2]}" if detected_at else ""
    return (
        f"{len(healthy)} healthy runs, {unclear - sick} of them judged as failed, {sick} unclear. "
        f"{len(broken)} broken runs, {named} recognized ({named / max(len(broken), 1):.0%}){middle}. "
        f"{len(outcomes) - len(healthy) - len(broken)} runs whose outcome was open."
    )


def as_csv(outcomes: Iterable[Outcome]) -> str:
    """One row per run."""
    file = io.StringIO()
    rows = csv.writer(file, lineterminator="\n")
    rows.writerow(["data", "run", "held out", "intended", "truth", "said", "projector", "backbone", "right", "known from step", "why"])
    for each in outcomes:
        case, verdict = each.case, each.verdict
        right = "" if each.truth == OPEN else "yes" if each.right else "no"
        layers = [verdict.layers.get(layer, "") for layer in ("projector", "backbone")]
        detected_at = "" if each.detected_at is None else each.detected_at
        out = "yes" if case.held_out else ""
        rows.writerow([case.data, case.name, out, case.expected, each.truth, verdict.state, *layers, right, detected_at, verdict.sentence])
    return file.getvalue()


def as_svg(outcomes: list[Outcome]) -> str:
    """A confusion matrix for each dataset, one above the other; rows are true outcomes, columns verdicts; correct ones are blue.

    "5 + 2" means five runs that were used to make rules and two held-out runs.
    """
    columns = [*(state for state in STATES if state != "unclear"), "unclear"]
    width, y, parts = LEFT + CELL * len(columns) + 60, 0, []
    for data, some in by_data(outcomes).items():
        drawn, height = _matrix(data, some, columns, y)
        parts += drawn
        y += height + GAP
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {y}" font-family="sans-serif" font-size="13">'
    return "\n".join([head, f'<rect width="{width}" height="{y}" fill="#fff"/>', *parts, "</svg>", ""])


def _matrix(data: str, outcomes: list[Outcome], columns: list[str], y: int) -> tuple[list[str], int]:
    """The matrix of one dataset, at y -> its elements and its height."""
    made, kept = confusion(each for each in outcomes if not each.case.held_out), confusion(each for each in outcomes if each.case.held_out)
    right = {(each.truth, each.verdict.state) for each in outcomes if each.right}
    rows = [state for state in (*STATES, SICK) if any(truth == state for truth, _ in made | kept)]
    parts = [f'<text x="12" y="{y + 24}" font-weight="bold">{data}: true outcome (rows), final verdict (columns)</text>']
    for x, verdict in enumerate(columns):
        parts.append(f'<text transform="translate({LEFT + CELL * (x + 0.6):.0f} {y + TOP - 10}) rotate(-50)">{verdict}</text>')
    for row, truth in enumerate(rows):
        top = y + TOP + CELL * row
        parts.append(f'<text x="{LEFT - 10}" y="{top + CELL * 0.6:.0f}" text-anchor="end">{truth}</text>')
        for x, verdict in enumerate(columns):
            counts = [each[truth, verdict] for each in (made, kept)]
            color = "#f2f2f2" if not any(counts) else "#0072b2" if (truth, verdict) in right else "#d55e00"
            parts.append(f'<rect x="{LEFT + CELL * x}" y="{top}" width="{CELL - 2}" height="{CELL - 2}" rx="4" fill="{color}"/>')
            if any(counts):
                text = " + ".join(str(each) for each in counts) if kept else str(counts[0])
                middle = f'x="{LEFT + CELL * (x + 0.48):.0f}" y="{top + CELL * 0.58:.0f}"'
                parts.append(f'<text {middle} text-anchor="middle" fill="#fff" font-weight="bold">{text}</text>')
    return parts, TOP + CELL * len(rows)
