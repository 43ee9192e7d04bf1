"""Interventions that make a training fail on purpose, all derived from the knobs of its config: no method is named here.

breaks(config)                  every safeguard that can be switched off, both ends of every live knob, and three common ones
broken(config, chosen)          the config with some of them
differences(healthy, other)     the settings that differ
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from playground.analysis import presets
from playground.config import RunConfig
from playground.knobs import ConfigError, Knob
from playground.methods import CATALOG

FAST = 100  # times the learning rate
COLORLESS = {"augment.jitter_probability": 0.0, "augment.grayscale_probability": 0.0}
OWN = ("method.", "masking.")  # prefixes of the keys that belong to the method


@dataclass(frozen=True)
class Intervention:
    """One intervention. name: in the address. values: the settings, in the flat form. expect: the expected result, if it is known.

    rivals: interventions that exclude this one, because they set the same knob. otherwise: the default for methods without safeguards.
    """

    name: str
    title: str
    values: Mapping[str, Any]
    expect: str = ""
    safeguard: bool = False
    live: bool = False
    otherwise: bool = False
    rivals: frozenset[str] = field(default_factory=frozenset)


@dataclass(frozen=True)
class FailureMode:
    """One failure: how it looks, its usual cause, and the settings and interventions (as in an address) that show it."""

    state: str
    looks: str
    cause: str
    settings: Mapping[str, str]
    breaks: tuple[str, ...]


FAILURE_MODES = (
    FailureMode(
        "complete collapse",
        "All images have the same features: spread 0, one point on the map.",
        "nothing keeps images apart",
        {"method": "simsiam"},
        ("stop_gradient",),
    ),
    FailureMode(
        "dimensional collapse",
        "Images differ, but only in a few directions: RankMe falls.",
        "nothing keeps dimensions from repeating",
        {"method": "barlow-twins"},
        ("redundancy",),
    ),
    FailureMode(
        "cluster collapse",
        "All images end up in one cluster; the others stay empty.",
        "nothing keeps the clusters equally large",
        {"method": "swav"},
        ("sinkhorn",),
    ),
    FailureMode(
        "one-hot or uniform teacher",
        "The teacher's output is the same for every image: one bin, or all bins equally.",
        "centering without sharpening, or sharpening without centering",
        {"method": "dino"},
        ("centering",),
    ),
    FailureMode(
        "shortcut",
        "One easy factor, such as color, explains the features; the k-NN accuracy of other factors falls.",
        "an augmentation that does not change this factor",
        {"method": "simclr"},
        ("color-kept",),
    ),
    FailureMode(
        "no learning",
        "The features stay as in the random network.",
        "a loss that the network cannot reduce",
        {"method": "barlow-twins"},
        ("standardize",),
    ),
    FailureMode(
        "divergence",
        "The loss rises far above its start, or is no longer a finite number.",
        "a learning rate that is far too high",
        {"method": "vicreg", "optimizer": "sgd"},
        ("fast",),
    ),
)


def breaks(config: RunConfig) -> list[Intervention]:
    """Every intervention that would change this config."""
    flat, live = config.flat(), config.live()
    knobs = {each.key: each for each in config.knobs() if each.key in flat}
    every = [_without(each) for each in knobs.values() if each.without]
    every += [end for each in knobs.values() if _own_number(each) for end in _ends(each)]
    every += _shared(config, knobs)
    return [each for each in (_effective(each, flat, live) for each in every) if each.values]


def broken(config: RunConfig, chosen: Collection[str]) -> RunConfig:
    """The config with these interventions. Raises ConfigError for an unknown name, and if two exclude each other."""
    known = {each.name: each for each in breaks(config)}
    flat = config.flat()
    for name in chosen:
        if name not in known:
            raise ConfigError("breaks", f"breaks must be among {', '.join(known)}, got {name}")
        if rival := next((other for other in chosen if other in known[name].rivals), None):
            raise ConfigError("breaks", f"{known[name].title} and {known[rival].title} must not be chosen together: they set the same knob")
        flat |= known[name].values
        for key in known[name].values:
            flat.pop(f"schedule.{key}", None)  # the new value must not change over the run
    return RunConfig(**flat)


def differences(healthy: Mapping[str, Any], other: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    """(key, healthy value, broken value) of every setting that differs between two flat forms; None if it is missing."""
    keys = [*healthy, *(key for key in other if key not in healthy)]
    return [(key, healthy.get(key), other.get(key)) for key in keys if healthy.get(key) != other.get(key)]


def guarded_first() -> list[str]:
    """All methods, those with safeguards first."""
    return sorted(CATALOG, key=lambda name: not any("without" in (each.json_schema_extra or {}) for each in _fields(name)))


def _fields(method: str) -> Iterable[Any]:
    return CATALOG[method].Knobs.model_fields.values()


def _without(each: Knob) -> Intervention:
    return Intervention(each.key.rpartition(".")[2], f"without {each.title}", {each.key: False}, each.without or "", safeguard=True)


def _own_number(each: Knob) -> bool:
    return each.live and each.kind in ("number", "integer") and each.key.startswith(OWN)


def _ends(each: Knob) -> list[Intervention]:
    """The lowest and the highest value of a knob, which exclude each other."""
    short = each.key.rpartition(".")[2]
    names = {f"{short}-low": each.low, f"{short}-high": each.high}
    return [
        Intervention(name, f"{each.title} {value:.4g}", {each.key: value}, each.help, rivals=frozenset(names.keys() - {name}))
        for name, value in names.items()
        if value is not None
    ]


def _shared(config: RunConfig, knobs: Mapping[str, Knob]) -> list[Intervention]:
    """Interventions for every method."""
    flat = config.flat()
    rate = knobs["optimizer.learning_rate"]
    fast = min(flat[rate.key] * FAST, rate.high or flat[rate.key])
    return [
        Intervention("augment-none", "no augmentation", presets.NONE, "nothing to be invariant to", rivals=frozenset({"color-kept"})),
        Intervention(
            "color-kept",
            "no color changes",
            COLORLESS,
            "the shortcut: color alone distinguishes images",
            otherwise=True,
            rivals=frozenset({"augment-none"}),
        ),
        Intervention("fast", f"learning rate {fast:.4g}", {rate.key: fast}, "divergence, or nothing learned"),
    ]


def _effective(each: Intervention, flat: Mapping[str, Any], live: Collection[str]) -> Intervention:
    """The intervention with only those values that change something, and whether a running training can apply them."""
    values = {key: value for key, value in each.values.items() if flat.get(key, value) != value}
    return replace(each, values=values, live=all(key in live for key in values))
