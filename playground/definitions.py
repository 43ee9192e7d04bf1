"""The definition of every number on the pages: label, direction, formula, unit and source, from the docstring of the function.

The first paragraph of the docstring describes the measure; separate lines give the rest:

    Formula: exp(-sum p ln p), with p the singular values divided by their sum.
    Unit: dimensions, from 1 to min(N, D).
    Source: Garrido et al., 2023, equation 1.

A line that begins with a space continues the previous one; an empty line, or one that gives shapes (`features: (N, D)`), ends it.
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
    """One number. title: its label; good: how to read it, and what good values are; meaning: one or two sentences.

    latex: the formula in the notation of papers, if there is one.
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
        """The names of empty parts."""
        has = vars(self) | {"formula": self.formula or self.latex}
        return [name for name in ("title", "meaning", *PARTS) if not has[name]]


CATALOG: dict[str, Definition] = {}  # by metric name, or a pattern of names: "knn/*"


def defined(name: str, title: str, good: str = "") -> Callable[[Function], Function]:
    """Decorator for the function, or the class, that computes a number: its docstring is the definition."""

    def mark(function: Function) -> Function:
        define(name, title, good, inspect.getdoc(function) or "")
        return function

    return mark


def define(name: str, title: str, good: str, text: str) -> None:
    """Adds a definition given as a text in the form of a docstring."""
    CATALOG[name] = read(title, good, text)


def read(title: str, good: str, text: str) -> Definition:
    """A docstring -> its definition; missing parts are ""."""
    first, _, rest = inspect.cleandoc(text).partition("\n\n")
    parts, now = dict.fromkeys(PARTS, ""), ""
    for line in rest.split("\n"):
        if match := LINE.match(line):
            now = match[1].lower()
            parts[now] = line[match.end() :]
        elif now and line.startswith(" "):
            parts[now] += f" {line.strip()}"
        else:
            now = ""
    return Definition(title, good, " ".join(first.split()), **parts)


def of(name: str) -> Definition | None:
    """The definition of a metric, by its name or a pattern that matches it; the prefix of a layer is ignored."""
    plain = in_any_layer(name)
    return CATALOG.get(plain) or next((each for pattern, each in CATALOG.items() if fnmatchcase(plain, pattern)), None)
