"""Knobs: one line declares a hyperparameter, and everything else about it is made from that line.

    class Knobs(Section):
        temperature: float = knob(0.2, 0.01, 2, "Low: only the hardest negatives count.", live=True)

The check and its error, the widget, the address bar, `--set`, the row in the docs and the values that the tests try at both ends
are all made from it. A `Choice` is anything chosen by name that has its own knobs: a method, a network, a dataset, an optimizer.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any, ClassVar, Literal, TypeVar, cast, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator
from pydantic.fields import FieldInfo


class ConfigError(ValueError):
    """One sentence with the rule and the value that breaks it. `key`: the knob, as in the flat form."""

    def __init__(self, key: str, message: str) -> None:
        super().__init__(message)
        self.key = key


class Section(BaseModel):
    """A group of knobs, checked when it is created and immutable afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _options_from_text(cls, value: Any, info: ValidationInfo) -> Any:
        """An address contains only text: "4" is the option 4."""
        options = get_args(cls.model_fields[str(info.field_name)].annotation)
        return next((each for each in options if isinstance(value, str) and str(each) == value), value)


def knob(default: float, low: float, high: float, help: str, *, live: bool = False, log: bool = False) -> Any:
    """A number from `low` to `high`. `live`: it may change while the run trains. `log`: its slider is logarithmic."""
    return Field(default, ge=low, le=high, description=help, json_schema_extra={"live": live, "log": log})


def number(default: float, help: str) -> Any:
    """Any number."""
    return Field(default, description=help)


def switch(default: bool, help: str) -> Any:
    """True or false."""
    return Field(default, description=help)


def safeguard(help: str, *, without: str) -> Any:
    """A switch that keeps the method from collapsing; `without` names the failure when it is off."""
    return Field(True, description=help, json_schema_extra={"without": without})


def named(help: str, options: Callable[[Mapping[str, Any]], Sequence[str]]) -> Any:
    """One of several names that depend on other choices: `options` gets {"data": ..., "method": ...}; the first is the default."""
    return Field("", description=help, json_schema_extra=cast(Any, {"options": options}))


def option(default: Any, help: str) -> Any:
    """One of several values; the type of the field is the `Literal` that lists them."""
    return Field(default, description=help)


@dataclass(frozen=True)
class Knob:
    """One knob as data, for pages, documentation and tests. `key` is its name everywhere: `method.temperature`."""

    key: str
    kind: Literal["integer", "number", "switch", "option", "name"]
    default: Any
    help: str
    low: float | None = None
    high: float | None = None
    live: bool = False
    log: bool = False
    options: tuple[Any, ...] = ()
    without: str | None = None

    @property
    def title(self) -> str:
        """`method.mask_ratio` -> `mask ratio`."""
        return self.key.rpartition(".")[2].replace("_", " ")


def knobs_of(section: type[BaseModel], prefix: str = "", picked: Mapping[str, Any] | None = None) -> list[Knob]:
    """All knobs of a section, in order, with keys that start with `prefix`. picked: the choices on which `named` knobs depend."""
    return [_knob(prefix + name, field, picked) for name, field in section.model_fields.items() if field.description]


def safeguards_off(knobs: Iterable[Knob], flat: Mapping[str, Any]) -> list[Knob]:
    """The safeguards among `knobs` that are off in these settings."""
    return [each for each in knobs if each.without and flat.get(each.key) is False]


def _knob(key: str, field: FieldInfo, picked: Mapping[str, Any] | None) -> Knob:
    extra: dict[str, Any] = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    bounds = {side: getattr(mark, side) for mark in field.metadata for side in ("ge", "le") if hasattr(mark, side)}
    options = get_args(field.annotation) if get_origin(field.annotation) is Literal else ()
    if picked and callable(extra.get("options")):
        options = tuple(extra["options"](picked))
    kinds: dict[Any, Any] = {bool: "switch", int: "integer", float: "number", str: "name"}
    return Knob(
        key=key,
        kind="option" if options else kinds[field.annotation],
        default=options[0] if options and field.default == "" else field.default,
        help=field.description or "",
        low=bounds.get("ge"),
        high=bounds.get("le"),
        live=bool(extra.get("live", False)),
        log=bool(extra.get("log", False)),
        options=options,
        without=extra.get("without"),
    )


class Choice:
    """Something chosen by name, with its own knobs. A subclass is found if it is in its package."""

    name: ClassVar[str]
    title: ClassVar[str]
    summary: ClassVar[str]

    class Knobs(Section):
        """No knobs unless the subclass declares some."""

        choice: ClassVar[Any]

        @property
        def name(self) -> str:
            """The chosen name."""
            return str(self.choice.name)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "Knobs" not in vars(cls):
            setattr(cls, "Knobs", type("Knobs", (cls.Knobs,), {"__module__": cls.__module__}))  # noqa: B010  a class mypy cannot know
        cls.Knobs.choice = cls


Kind = TypeVar("Kind", bound=Choice)


def catalog(base: type[Kind], package: ModuleType) -> dict[str, type[Kind]]:
    """Every named subclass of `base` in `package` (a folder of modules, or one module), by name.

    A module whose third-party library is not installed is left out.
    """
    for module in pkgutil.iter_modules(getattr(package, "__path__", [])):
        try:
            importlib.import_module(f"{package.__name__}.{module.name}")
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] in ("", "playground"):
                raise
    return {kind.name: kind for kind in sorted(_descendants(base), key=lambda kind: kind.__name__) if "name" in vars(kind)}


def _descendants(base: type[Kind]) -> set[type[Kind]]:
    return {each for child in base.__subclasses__() for each in ({child} | _descendants(child))}
