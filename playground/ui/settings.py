"""What the controls stand for: one flat form, and a sentence for each value in it that cannot be. No page in here.

The address bar, the controls and a run's own config all have the flat form of `playground.config`.
"""

from __future__ import annotations

import difflib
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from playground.config import CHOICES, PLAIN, RunConfig, defaults
from playground.flat import build
from playground.knobs import ConfigError
from playground.ui.page_state import LeftValues, Problem, prefixes

FOLLOWERS = ("network", "optimizer")  # the choices that a method or a dataset may suggest
SECTIONS = (*CHOICES, *PLAIN, "schedule")
ARRIVES = 10.0  # seconds within which a command has reached its run, or never will
NEAR = 0.8  # how alike a key and a setting are, of 1, where the key is taken for a misspelled one


@dataclass
class Settings:
    """flat: what the controls show, complete. problems: by key. notes: by key, what was moved on the person's behalf.

    unsent: keys that were moved where no run listens, on another page; the run under way may have other values.
    sent: by key, what was moved here and sent to a run, and when (time.monotonic), until the run reports the change.
    left: values of knobs that somebody else has moved.
    ignored: keys of the address that mean nothing here: the marks that other sites add to their links, knobs of a method that is not here.
    """

    flat: dict[str, Any]
    problems: dict[str, Problem] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    unsent: set[str] = field(default_factory=set)
    sent: dict[str, tuple[Any, float]] = field(default_factory=dict)
    left: LeftValues = field(default_factory=LeftValues)
    ignored: tuple[str, ...] = ()

    def on_its_way(self, key: str) -> bool:
        """Whether a move of this knob was sent to a run that has not reported it yet."""
        return key in self.sent and time.monotonic() - self.sent[key][1] < ARRIVES

    def config(self) -> tuple[RunConfig | None, dict[str, str]]:
        """The config for the next run, or None; and every sentence that stands in its way, by key."""
        sentences = {key: problem.sentence for key, problem in self.problems.items()}
        flat = dict(self.flat)
        while True:
            try:
                config = RunConfig(**flat)
                return (None if sentences else config), sentences
            except ConfigError as error:
                sentences[error.key] = str(error)
                if error.key in CHOICES or flat.pop(error.key, None) is None:  # not one value's fault
                    return None, sentences

    def data(self) -> Any:
        """The dataset and its knobs, whatever stands in the way of the rest."""
        knobs = {key.removeprefix("data."): value for key, value in self.flat.items() if key.startswith("data.")}
        kind = CHOICES["data"][self.flat["data"]].Knobs
        while True:
            try:
                return build(kind, "data", self.flat["data"], knobs)
            except ConfigError as error:  # of two knobs that do not go together, whose sentence `config` has
                if knobs.pop(error.key.removeprefix("data."), None) is None:
                    return kind()

    def address(self, run: str | None) -> dict[str, str]:
        """The query of the page's address: every setting (a refused value as it came), then the run."""
        query = {key: str(value).lower() if isinstance(value, bool) else str(value) for key, value in self.flat.items()}
        query |= {key: problem.value for key, problem in self.problems.items()}
        return query | ({"run": run} if run else {})


def read(query: Mapping[str, str], run: Mapping[str, Any] | None = None, *, live: tuple[str, ...] = ()) -> Settings:
    """The settings of an address. What it leaves out comes from the `run` it names, else from the defaults.

    live: the knobs of a run that still trains: their values in that run count more than those in an old link.
    """
    ignored = list(foreign(query))
    given: dict[str, Any] = {
        key: value for key, value in query.items() if key != "run" and not key.startswith(prefixes()) and key not in ignored
    }
    refused: dict[str, Problem] = {}
    under = _still_apply(run or {}, given)
    same = {key for key in live if key in under and _same_owner(key, run or {}, given)}
    same |= {f"schedule.{key}" for key in same}
    while True:
        try:
            flat = RunConfig(**under | {key: value for key, value in given.items() if key not in same}).flat()
            return Settings(flat, refused, ignored=tuple(ignored))
        except ConfigError as error:
            if error.key.partition(".")[0] not in refused:
                refused[error.key] = Problem(str(error), str(given.get(error.key, under.get(error.key, ""))))
            elif error.key in given:  # what belongs to a choice that is not here goes with it
                ignored.append(error.key)
            if error.key in given:
                del given[error.key]
            elif under:
                under = {}
            else:
                given = {}


def foreign(query: Mapping[str, str]) -> tuple[str, ...]:
    """The keys of an address that no page here could have written: neither a setting nor nearly the name of one."""
    known = {"run", *defaults()}
    names = known | {key.rpartition(".")[2] for key in known}  # temperature=0.1 is about method.temperature

    def ours(key: str) -> bool:
        return key.startswith(prefixes()) or key.partition(".")[0] in SECTIONS or bool(difflib.get_close_matches(key, names, 1, NEAR))

    return tuple(key for key in query if not ours(key))


def _still_apply(run: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a run's flat form that goes with the choices that an address makes."""
    choices = {section: given.get(section, run.get(section)) for section in CHOICES}
    try:
        known = defaults(**{section: name for section, name in choices.items() if name is not None})
        usual = defaults(**{section: run[section] for section in CHOICES if section in run})
    except ConfigError:  # of either: the run's dataset, too, may be gone
        return {}
    really_set = {key: value for key, value in run.items() if key in CHOICES or value != usual.get(key)}
    return {key: value for key, value in really_set.items() if key.removeprefix("schedule.") in known and _same_owner(key, run, given)}


def _same_owner(key: str, run: Mapping[str, Any], given: Mapping[str, Any]) -> bool:
    """Whether `key` means the same knob in both: `method.temperature` of one method is not that of another."""
    owner = key.removeprefix("schedule.").partition(".")[0]
    return owner not in CHOICES or given.get(owner, run.get(owner)) == run.get(owner)


def switched(flat: Mapping[str, Any], section: str, name: str) -> Settings:
    """After another choice: knobs that followed the old suggestions follow the new ones, what a person set stays where it can."""
    old = {each: flat[each] for each in CHOICES}
    usual = defaults(**old)
    wanted = {key: value for key, value in flat.items() if key not in CHOICES and value != usual.get(key)}
    if section in FOLLOWERS:
        return _settled(old | {section: name}, wanted, flat, section)
    suggested = defaults(data=old["data"], method=old["method"])
    chosen = {each: old[each] for each in CHOICES if each not in FOLLOWERS or old[each] != suggested[each]}
    return _settled(chosen | {section: name}, wanted, flat, section)


def _settled(choices: dict[str, str], wanted: dict[str, Any], before: Mapping[str, Any], by: str) -> Settings:
    """The nearest settings that are possible, with a note for each one that had to give way. by: the choice that was made."""
    notes: dict[str, str] = {}
    while True:
        known = defaults(**choices)
        wanted = {key: value for key, value in wanted.items() if key.removeprefix("schedule.") in known}
        try:
            flat = RunConfig(**choices | wanted).flat()
            break
        except ConfigError as error:
            if error.key in wanted:
                notes[error.key] = f"{error}: it is back at what is suggested"
                del wanted[error.key]
            elif error.key in FOLLOWERS and error.key in choices:
                del choices[error.key]
            elif error.key in choices:  # two that never go together: the sentence stands beside one of them, and nothing is lost
                flat = known | wanted
                break
            else:
                wanted = {}
                choices = {key: value for key, value in choices.items() if key not in FOLLOWERS}
    for each in FOLLOWERS:
        if flat[each] != before[each] and each not in choices:
            notes[each] = _replaced(each, flat, before, by)
    return Settings(flat, notes=notes)


def _replaced(section: str, flat: Mapping[str, Any], before: Mapping[str, Any], by: str) -> str:
    """Why another network or optimizer stands there now."""
    method, new, old = CHOICES["method"][flat["method"]], CHOICES[section][flat[section]], CHOICES[section][before[section]]
    if section == "network" and old.family not in method.accepts:
        return f"{method.title} cannot train {old.title}, so the network is now {new.title}."
    return f"{CHOICES[by][flat[by]].title} suggests {new.title} (it was {old.title})."
