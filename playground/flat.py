"""The flat form of a config: sections become flat keys, are built from them again, and errors become sentences."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from playground.knobs import Choice, ConfigError, Knob, Section, knobs_of
from playground.schedules import Schedule


def flatten(values: Any, plain: Mapping[str, type[Section]]) -> dict[str, Any]:
    """Sections, models and flat keys -> flat keys. plain: the sections that are not chosen by a name."""
    flat: dict[str, Any] = {}
    for key, value in dict(values).items():
        if isinstance(value, Choice.Knobs):
            flat |= {key: value.name} | {f"{key}.{name}": each for name, each in value}
        elif isinstance(value, Section):
            flat |= {f"{key}.{name}": each for name, each in value}
        elif isinstance(value, Mapping):
            flat |= {(key if name == "name" else f"{key}.{name}"): each for name, each in value.items()}
        elif key in plain and value is not None:
            raise ConfigError(key, f"{key} must be a group of settings, such as {key}.{next(iter(plain[key].model_fields))}, got {value}")
        elif key not in plain:
            flat[key] = value
    return flat


def build(kind: type[Section], section: str, owner: str, values: dict[str, Any]) -> Section:
    """One section from its knobs. Raises ConfigError for the first invalid one; `owner`: the owner of the knobs, named in the sentence."""
    try:
        return kind(**values)
    except ValidationError as error:
        raise refusal(error.errors()[0], knobs_of(kind), section, owner) from None


def scheduled(key: str, text: Any, knobs: list[Knob]) -> Schedule:
    """Raises ConfigError unless `key` is a live number and its schedule ends within its range."""
    live = {each.key: each for each in knobs if each.live and each.kind in ("number", "integer")}
    if not key:
        raise ConfigError("schedule", f"a schedule must name its knob, as in schedule.{next(iter(live))}, got {text}")
    if key not in live:
        raise ConfigError(f"schedule.{key}", f"{key} cannot change while a run trains; what can: {', '.join(live)}")
    try:
        schedule = Schedule.parse(text)
    except ValueError as error:
        raise ConfigError(f"schedule.{key}", f"schedule.{key} {error}, got {text}") from None
    low, high = live[key].low, live[key].high
    if (low is not None and schedule.end < low) or (high is not None and schedule.end > high):
        raise ConfigError(f"schedule.{key}", f"schedule.{key} must end at a number from {low:.10g} to {high:.10g}, got {schedule.end:.10g}")
    return schedule


def refusal(detail: Any, knobs: list[Knob], section: str = "", owner: str = "") -> ConfigError:
    """An error of pydantic -> "simclr: temperature must be from 0.01 to 2, got -1"."""
    nested = detail.get("ctx", {}).get("error")
    if isinstance(nested, ConfigError):
        return nested
    name = str(detail["loc"][0])
    each = next(each for each in knobs if each.key == name)
    key = f"{section}.{name}" if section else name
    return ConfigError(key, f"{owner}: {must_hold(each)}, got {detail['input']}".removeprefix(": "))


def must_hold(each: Knob) -> str:
    """The knob's rule in words: "temperature must be from 0.01 to 2"."""
    name = each.key.rpartition(".")[2]
    if each.kind == "switch":
        return f"{name} must be true or false"
    if each.kind == "option":
        return f"{name} must be one of {', '.join(map(str, each.options))}"
    if each.low is None or each.high is None:
        return f"{name} must be a number"
    whole = "a whole number " if each.kind == "integer" else ""
    return f"{name} must be {whole}from {each.low:.10g} to {each.high:.10g}"


def did_you_mean(name: str, known: Any) -> str:
    """(did you mean temperature?), or "" if no known name is similar."""
    close = difflib.get_close_matches(name.lower(), list(known), n=1)
    return f" (did you mean {close[0]}?)" if close else ""


def as_text(value: Any) -> str:
    """A value as written in an address."""
    return str(value).lower() if isinstance(value, bool) else str(value)
