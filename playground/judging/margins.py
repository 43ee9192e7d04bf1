"""The distance of healthy and of broken runs from the judge's limits, as a figure: a strip for each rule, a dot for each run.

A strip shows value / limit on a logarithmic axis. Healthy runs are above the line, runs with the failure of the rule below it.
Gray is the unclear zone; the broken runs of a rule should lie on one side of it and the healthy ones on the other.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from html import escape

from playground.judging.outcomes import Outcome

LEFT, WIDTH, HEIGHT, TOP = 330, 620, 46, 56
SPAN = 6.0  # the axis ends at 2 to this power on either side of the limit; values beyond are drawn at its end
BLUE, ORANGE = "#0072b2", "#d55e00"


@dataclass
class Strip:
    """The values of one rule, divided by its limit. gray: the end of the unclear zone, which begins at 1."""

    name: str
    side: str
    gray: float
    healthy: list[tuple[str, float]] = field(default_factory=list)
    broken: list[tuple[str, float]] = field(default_factory=list)


def strips(outcomes: Iterable[Outcome]) -> list[Strip]:
    """The strips of all rules, with the last measurement of each run whose outcome is known."""
    found: dict[str, Strip] = {}
    for each in outcomes:
        for check in each.verdict.checks:
            quantity = check["what"].partition(",")[0].partition(" (")[0].partition(" by ")[0].partition(" on ")[0]
            name = f"{quantity}, {check['layer']}: {check['says']}"
            strip = found.setdefault(name, Strip(name, check["side"], check["clears"] / check["speaks"]))
            value = (each.case.name, check["value"] / check["speaks"])
            if each.truth == "healthy":
                strip.healthy.append(value)
            elif each.truth == check["says"]:
                strip.broken.append(value)
    return [found[name] for name in sorted(found)]


def as_svg(outcomes: Iterable[Outcome]) -> str:
    """The figure."""
    found = strips(outcomes)
    height, width = TOP + HEIGHT * len(found) + 30, LEFT + WIDTH + 20
    title = "margins of the judge: value / limit; blue: healthy runs, orange: runs with the failure of the rule"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12">',
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
        f'<text x="12" y="24" font-weight="bold">{title}</text>',
    ]
    for row, strip in enumerate(found):
        parts += _strip(strip, TOP + HEIGHT * row)
    for power in range(-int(SPAN), int(SPAN) + 1, 2):
        label = f"{2.0**power:g}"
        parts.append(f'<text x="{_x(2.0**power):.0f}" y="{height - 10}" text-anchor="middle" fill="#555">{label}</text>')
    return "\n".join([*parts, "</svg>", ""])


def _strip(strip: Strip, y: int) -> Iterator[str]:
    middle = y + HEIGHT // 2
    low, high = sorted((_x(1), _x(strip.gray)))
    yield f'<rect x="{low:.1f}" y="{y + 2}" width="{max(high - low, 0):.1f}" height="{HEIGHT - 4}" fill="#ddd"/>'
    yield f'<line x1="{LEFT}" x2="{LEFT + WIDTH}" y1="{middle}" y2="{middle}" stroke="#bbb"/>'
    yield f'<line x1="{_x(1):.1f}" x2="{_x(1):.1f}" y1="{y + 2}" y2="{y + HEIGHT - 2}" stroke="#333"/>'
    label = f"{strip.name} {'<' if strip.side == 'below' else '>'}"
    yield f'<text x="{LEFT - 10}" y="{middle + 4}" text-anchor="end">{escape(label)}</text>'
    for runs, color, at in ((strip.healthy, BLUE, middle - 10), (strip.broken, ORANGE, middle + 10)):
        for name, value in runs:
            yield f'<circle cx="{_x(value):.1f}" cy="{at}" r="4" fill="{color}" fill-opacity=".45"><title>{escape(name)}</title></circle>'


def _x(value: float) -> float:
    """value / limit -> pixels; zero and negative values are drawn at the left end."""
    power = math.log2(value) if value > 0 else -SPAN
    return LEFT + WIDTH * (min(max(power, -SPAN), SPAN) + SPAN) / (2 * SPAN)
