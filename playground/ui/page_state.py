"""What a page shows, kept in the session and in the address. A page declares it as knobs are declared, and all else follows.

    class MapState(PageState):
        prefix = "map."
        clusters: int = knob(8, 2, 50, "How many groups the images are divided into.")

From that come reading the address and writing it, the check and its sentence, the control and its callback, and what a panel may set.
A declaration lies in `playground/ui/NAME_state.py`, and is found by being there.
"""

from __future__ import annotations

import importlib
import math
import pkgutil
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Annotated, Any, ClassVar, Self, cast

import streamlit as st
from pydantic import AfterValidator, BeforeValidator, ConfigDict, PrivateAttr, ValidationError, ValidationInfo
from pydantic.fields import FieldInfo

from playground import ui
from playground.flat import as_text, refusal
from playground.knobs import Section, knobs_of
from playground.runs.records import RECORDED
from playground.ui.callbacks import uninterrupted
from playground.ui.knob_widgets import plain, widget
from playground.ui.syncing import place, reported, sync
from playground.web.numbers import whole_number

BEHIND = 3.0  # seconds that a browser may lag
NONE = "-"  # an empty list, in the address
LARGEST = 2**53 - 1  # whole number that a browser keeps exactly


def _count(value: Any, info: ValidationInfo) -> int:
    number = whole_number(str(info.field_name), value)
    if number > LARGEST:
        raise ValueError(f"{info.field_name} must be at most {LARGEST}, got {number}")
    return number


def _names(value: Any) -> tuple[str, ...] | None:
    if value is None:
        return None
    parts = value.split(",") if isinstance(value, str) else map(str, value)
    return tuple(each for each in parts if each not in ("", NONE))


def among(options: Sequence[str]) -> AfterValidator:
    """One of a few words that are listed elsewhere."""

    def check(value: str, info: ValidationInfo) -> str:
        if value not in options:
            raise ValueError(f"{info.field_name} must be one of {', '.join(options)}, got {value}")
        return value

    return AfterValidator(check)


Word = Annotated[str, BeforeValidator(str)]
Count = Annotated[int, BeforeValidator(_count)]  # from 0
OptionalCount = Annotated[int | None, BeforeValidator(lambda value, info: None if value in (None, "") else _count(value, info))]
OptionalWord = Annotated[str | None, BeforeValidator(lambda value: str(value) if value else None)]
OptionalNames = Annotated[tuple[str, ...] | None, BeforeValidator(_names)]  # with commas between, in the address


@dataclass(frozen=True)
class Problem:
    """A value that was refused: the sentence that says why, and the value, so that it is not lost."""

    sentence: str
    value: str


@dataclass
class LeftValues:
    """Values from which a control was moved by something else than its user. A browser that is behind may still report them.

    since: by name and value, when (time.monotonic).
    """

    since: dict[tuple[str, Any], float] = field(default_factory=dict)

    def add(self, name: str, value: Any) -> None:
        """The control is moved away from `value` now."""
        self.since[name, value] = time.monotonic()

    def late(self, name: str, value: Any) -> bool:
        """Whether a browser that reports this value is only behind. Any other value is a move by hand."""
        if time.monotonic() - self.since.get((name, value), -math.inf) < BEHIND:
            return True
        self.since = {each: since for each, since in self.since.items() if each[0] != name}
        return False


class PageState(Section):
    """What one page shows. A field with a description has a control that suits it; every field is in the address unless it is excluded.

    prefix: how its keys in the address begin. always: whether values that are as at first are written there, too.
    reported: the fields that the page's panel may set.
    """

    model_config = ConfigDict(frozen=False, validate_assignment=True)
    prefix: ClassVar[str]
    always: ClassVar[bool] = False
    reported: ClassVar[tuple[str, ...]] = ()
    _problems: dict[str, Problem] = PrivateAttr(default_factory=dict)
    _left: LeftValues = PrivateAttr(default_factory=LeftValues)
    _offered: str | None = PrivateAttr(None)

    @classmethod
    def here(cls) -> Self:
        """That of this session; at its start, what the address says."""
        if cls.session_key() not in st.session_state:
            st.session_state[cls.session_key()] = cls.read(st.query_params.to_dict())
        return cast(Self, st.session_state[cls.session_key()])

    @classmethod
    def session_key(cls) -> str:
        """Under which key the session keeps it."""
        return f"state of {cls.prefix}"

    @classmethod
    def read(cls, query: Mapping[str, str]) -> Self:
        """What an address says."""
        found = cls()
        given = {key.removeprefix(cls.prefix): text for key, text in query.items() if key.startswith(cls.prefix)}
        for name, text in given.items():
            found.set(name, text)
        found.complete(given)
        return found

    def complete(self, given: Collection[str]) -> None:
        """What the address leaves out and is not as at first, such as the newest run. given: the names that it has."""

    def offer(self, run: str | None) -> None:
        """Shows a run that nobody has chosen, on a page that has a field of this name."""
        self._offered = run
        self.set("run", run)

    @property
    def gives_way(self) -> bool:
        """Whether a recording is shown because there was nothing else: it makes room for the first run of one's own."""
        run = getattr(self, "run", None)
        return run is not None and run == self._offered and run.startswith(RECORDED)

    @classmethod
    def declared(cls) -> dict[str, FieldInfo]:
        """The fields that an address has, by name."""
        return {name: each for name, each in cls.model_fields.items() if not each.exclude}

    def address(self) -> dict[str, str]:
        """Its part of the address; a value that was refused stays as it came."""
        values = {name: as_address(getattr(self, name)) for name, each in self.declared().items() if self._is_written(name, each.default)}
        values |= {name: each.value for name, each in self._problems.items()}
        return {f"{self.prefix}{name}": value for name, value in values.items()}

    def _is_written(self, name: str, usual: Any) -> bool:
        value = getattr(self, name)
        return value != usual or (self.always and value not in (None, ""))

    @property
    def problems(self) -> Mapping[str, Problem]:
        """By name of the field: what was refused."""
        return self._problems

    def set(self, name: str, value: Any) -> None:
        """A value from the address, a control or a panel. One that cannot be changes nothing, and is kept beside its sentence."""
        self._problems.pop(name, None)
        try:
            if name not in self.declared():
                raise ValueError(f"there is no setting {self.prefix}{name}")
            setattr(self, name, value)
        except (ValueError, LookupError) as error:
            self._problems[name] = Problem(self._sentence(error), as_address(value))

    def refuse(self, name: str, sentence: str) -> None:
        """The value of a field turns out not to be possible here: it is as at first again, and the sentence says why."""
        self._problems[name] = Problem(sentence, as_address(getattr(self, name)))
        setattr(self, name, type(self).model_fields[name].default)

    def accept(self, *names: str) -> None:
        """What was refused of these fields is given up."""
        for name in names:
            self._problems.pop(name, None)

    def leave(self, name: str, value: Any) -> None:
        """Moves a field by something else than its control."""
        self._left.add(name, getattr(self, name))
        self.set(name, value)

    def moved(self, name: str, value: Any) -> None:
        """A control was moved. A page adds what follows from it."""
        self.set(name, value)

    def report(self, found: Mapping[str, Any]) -> None:
        """The page's panel reports what was done in it."""
        for name in self.reported:
            if name in found:
                self.set(name, found[name])

    def _sentence(self, error: Exception) -> str:
        if not isinstance(error, ValidationError):
            return str(error)
        detail = error.errors()[0]
        return str(detail.get("ctx", {}).get("error") or refusal(detail, knobs_of(type(self))))

    def widget(self, name: str, label: str = "", options: Sequence[Any] = ()) -> None:
        """The control of a field with a description, and under it what was refused. options: those that there are here."""
        knob = next(each for each in knobs_of(type(self), self.prefix) if each.key == self.prefix + name)
        if options:
            knob = replace(knob, kind="option", options=tuple(options))
        value = sync(knob.key, getattr(self, name))
        widget(knob, label or knob.title.capitalize(), plain(knob.help), value, on_change=_moved, args=(self, name))
        self.show_problems(name)

    def select(self, name: str, label: str, options: Sequence[str], called: Callable[[str], str], *, shown: str = "", **more: Any) -> None:
        """A choice among what is not known beforehand, such as runs; "" is none. What is chosen stays among the options.

        shown: what the control shows, where that is not the field's value.
        """
        chosen = shown or getattr(self, name) or ""
        offered = list(options) if chosen in options else [chosen, *options]
        more = {"key": self.prefix + name, "format_func": called, "on_change": _moved, "args": (self, name), **more}
        st.selectbox(label, offered, place(self.prefix + name, chosen, offered), **more)
        self.show_problems(name)

    def show_problems(self, *names: str) -> None:
        """The sentences about these fields, where there are any."""
        for name in names:
            if name in self._problems:
                st.error(plain(self._problems[name].sentence), icon=":material/error:")


@uninterrupted
def _moved(state: PageState, name: str) -> None:
    value = st.session_state[state.prefix + name]
    if not state._left.late(name, value):
        reported(state.prefix + name)
        state.moved(name, value)


def as_address(value: Any) -> str:
    """A value as the address has it."""
    if isinstance(value, tuple | list):
        return ",".join(f"{each:g}" if isinstance(each, float) else str(each) for each in value) or NONE
    return as_text(value)


@cache
def prefixes() -> tuple[str, ...]:
    """How the keys of the pages begin: what stands in an address under one of them is no setting of a run."""
    for module in pkgutil.iter_modules(ui.__path__):
        if module.name.endswith("_state"):
            importlib.import_module(f"{ui.__name__}.{module.name}")
    return tuple(each.prefix for each in PageState.__subclasses__())
