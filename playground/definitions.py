"""What every number on the pages means: label, direction, formula, unit and source, from the docstring of what computes it.

A docstring says it in lines of its own, after a first paragraph that says in words what is measured:

    Formula: exp(-sum p ln p), with p the singular values divided by their sum.
    Unit: dimensions, from 1 to min(N, D).
    Source: Garrido et al., 2023, equation 1.

A line that begins with a space goes on from the one before; an empty line, or one that tells of shapes (`features: (N, D)`), ends it.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TypeVar

from playground.metric_names import in_any_layer

Function = TypeVar("Function", bound=Callable[..., object])
PARTS = ("formula", "unit", "source")
LINE = re.compile(r"^(Formula|Unit|Source): ")


@dataclass(frozen=True)
class Definition:
    """One number. title: its label; good: what good looks like, or how to read it; meaning: one sentence or two.

    latex: the formula where it is given in the notation of papers.
    """

    title: str
    good: str
    meaning: str
    formula: str
    unit: str
    source: str
    latex: str = ""

    @property
    def missing(self) -> list[str]:
        """Which parts are empty."""
        has = vars(self) | {"formula": self.formula or self.latex}
        return [name for name in ("title", "meaning", *PARTS) if not has[name]]


CATALOG: dict[str, Definition] = {}  # by metric name, or a pattern of names: "knn/*"


def defined(name: str, title: str, good: str = "") -> Callable[[Function], Function]:
    """Marks the function, or the class, that computes a number: its docstring defines it."""

    def mark(function: Function) -> Function:
        define(name, title, good, inspect.getdoc(function) or "")
        return function

    return mark


def define(name: str, title: str, good: str, text: str) -> None:
    """Defines a number by a text in the form of a docstring."""
    CATALOG[name] = read(title, good, text)


def read(title: str, good: str, text: str) -> Definition:
    """A docstring -> what it defines; parts that it leaves out are ""."""
    first, _, rest = inspect.cleandoc(text).partition("\n\n")
    parts, now = dict.fromkeys(PARTS, ""), ""
    for line in rest.split("\n"):
        if found := LINE.match(line):
            now = found[1].lower()
            parts[now] = line[found.end() :]
        elif now and line.startswith(" "):
            parts[now] += f" {line.strip()}"
        else:
            now = ""
    return Definition(title, good, " ".join(first.split()), **parts)


def of(name: str) -> Definition | None:
    """The definition of a metric, by its name or the pattern that fits it; a layer's prefix changes nothing."""
    plain = in_any_layer(name)
    return CATALOG.get(plain) or next((each for pattern, each in CATALOG.items() if fnmatchcase(plain, pattern)), None)
