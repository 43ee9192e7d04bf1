"""Whole numbers in addresses and messages: read in one place, and refused in one sentence."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter, ValidationError
from starlette.convertors import Convertor, register_url_convertor
from starlette.requests import Request

LARGEST = 2**63 - 1  # that SQLite can hold
WHOLE = TypeAdapter(int)
SHOWN = 20  # characters of what was got instead


def whole_number(name: str, given: Any, low: int = 0, high: int = LARGEST) -> int:
    """Raises ValueError for all but a whole number from `low` to `high`."""
    try:
        number = WHOLE.validate_python(given)
    except ValidationError:
        number = None
    if number is None or not low <= number <= high:
        rule = f"from {low}" if high == LARGEST else f"from {low} to {high}"
        raise ValueError(f"{name} must be a whole number {rule}, got {str(given)[:SHOWN] or 'nothing'}")
    return number


def number_param(request: Request, name: str, otherwise: int, low: int = 0, high: int = LARGEST) -> int:
    """The number of this name in a query, or `otherwise` where it names none. Raises ValueError."""
    return whole_number(name, request.query_params.get(name) or otherwise, low, high)


class Step(Convertor[int]):
    """`{step:step}` of a path: a number that can be one; any other address leads nowhere."""

    regex = "[0-9]{1,18}"

    def convert(self, value: str) -> int:
        """Of a path."""
        return int(value)

    def to_string(self, value: int) -> str:
        """For a path."""
        return str(value)


register_url_convertor("step", Step())
