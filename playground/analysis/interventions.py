"""Ways to break a training on purpose, all read off the knobs of its config: no method is named here.

breaks(config)                  every safeguard that can be taken away, every live knob's ends, and three that all methods share
broken(config, chosen)          the same config with some of them done
differences(healthy, other)     what differs, in words
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
OWN = ("method.", "masking.")  # how the keys begin of what belongs to the method


@dataclass(frozen=True)
class Intervention:
    """One way. name: in the address. values: what it sets, in the flat form. expect: what follows, where that is known.

    rivals: what cannot be done at the same time, since it sets the same knob. otherwise: what shows most where there are no safeguards.
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
    """One way to fail: how it looks, what usually causes it, and settings and breaks (as in an address) that show it."""

    state: str
    looks: str
    cause: str
    settings: Mapping[str, str]
    breaks: tuple[str, ...]


FAILURE_MODES = (
    FailureMode(
        "complete collapse",
        "All images get the same features: spread 0, one point on the map.",
        "nothing holds images apart",
        {"method": "simsiam"},
        ("stop_gradient",),
    ),
    FailureMode(
        "dimensional collapse",
        "Images differ, but along a few directions only: RankMe falls.",
        "nothing keeps dimensions from repeating",
        {"method": "barlow-twins"},
        ("redundancy",),
    ),
    FailureMode(
        "cluster collapse",
        "All images end up in one cluster; the others stay empty.",
        "nothing fills all clusters equally",
        {"method": "swav"},
        ("sinkhorn",),
    ),
    FailureMode(
        "one-hot or uniform teacher",
        "The teacher says the same of every image: one bin, or all bins alike.",
        "centering without sharpening, or the other way round",
        {"method": "dino"},
        ("centering",),
    ),
    FailureMode(
        "shortcut",
        "One easy factor, such as color, explains the features; k-NN of the others falls.",
        "an augmentation that leaves it alone",
        {"method": "simclr"},
        ("color-kept",),
    ),
    FailureMode(
        "no learning",
        "Nothing moves away from the random network.",
        "a loss that the network cannot lower",
        {"method": "barlow-twins"},
        ("standardize",),
    ),
    FailureMode(
        "divergence",
        "The loss rises far above where it was, or is no longer a finite number.",
        "far too large steps",
        {"method": "vicreg", "optimizer": "sgd"},
        ("fast",),
    ),
)


def breaks(config: RunConfig) -> list[Intervention]:
    """Every way to break this config that would change anything."""
    flat, live = config.flat(), config.live()
    knobs = {each.key: each for each in config.knobs() if each.key in flat}
    found = [_without(each) for each in knobs.values() if each.without]
    found += [end for each in knobs.values() if _own_number(each) for end in _ends(each)]
    found += _shared(config, knobs)
    return [each for each in (_settled(each, flat, live) for each in found) if each.values]


def broken(config: RunConfig, chosen: Collection[str]) -> RunConfig:
    """The same config with these breaks done. Raises ConfigError for a name that is none, and where they do not go together."""
    known = {each.name: each for each in breaks(config)}
    flat = config.flat()
    for name in chosen:
        if name not in known:
            raise ConfigError("breaks", f"breaks must be among {', '.join(known)}, got {name}")
        if rival := next((other for other in chosen if other in known[name].rivals), None):
            raise ConfigError("breaks", f"{known[name].title} and {known[rival].title} must not be chosen together: they set the same knob")
        flat |= known[name].values
        for key in known[name].values:
            flat.pop(f"schedule.{key}", None)  # what is at its end stays there
    return RunConfig(**flat)


def differences(healthy: Mapping[str, Any], other: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    """(key, healthy value, broken value) of every setting that is not the same in two flat forms; None for one that is not there."""
    keys = [*healthy, *(key for key in other if key not in healthy)]
    return [(key, healthy.get(key), other.get(key)) for key in keys if healthy.get(key) != other.get(key)]


def guarded_first() -> list[str]:
    """All methods: first those that have something to take away."""
    return sorted(CATALOG, key=lambda name: not any("without" in (each.json_schema_extra or {}) for each in _fields(name)))


def _fields(method: str) -> Iterable[Any]:
    return CATALOG[method].Knobs.model_fields.values()


def _without(each: Knob) -> Intervention:
    return Intervention(each.key.rpartition(".")[2], f"without {each.title}", {each.key: False}, each.without or "", safeguard=True)


def _own_number(each: Knob) -> bool:
    return each.live and each.kind in ("number", "integer") and each.key.startswith(OWN)


def _ends(each: Knob) -> list[Intervention]:
    """The low and the high end of a knob, which exclude each other."""
    short = each.key.rpartition(".")[2]
    names = {f"{short}-low": each.low, f"{short}-high": each.high}
    return [
        Intervention(name, f"{each.title} {value:.4g}", {each.key: value}, each.help, rivals=frozenset(names.keys() - {name}))
        for name, value in names.items()
        if value is not None
    ]


def _shared(config: RunConfig, knobs: Mapping[str, Knob]) -> list[Intervention]:
    """What every method can be broken by."""
    flat = config.flat()
    rate = knobs["optimizer.learning_rate"]
    fast = min(flat[rate.key] * FAST, rate.high or flat[rate.key])
    return [
        Intervention("augment-none", "no augmentation", presets.NONE, "nothing to be invariant to", rivals=frozenset({"color-kept"})),
        Intervention(
            "color-kept",
            "colors left alone",
            COLORLESS,
            "the shortcut: color alone tells images apart",
            otherwise=True,
            rivals=frozenset({"augment-none"}),
        ),
        Intervention("fast", f"learning rate {fast:.4g}", {rate.key: fast}, "divergence, or nothing learned"),
    ]


def _settled(each: Intervention, flat: Mapping[str, Any], live: Collection[str]) -> Intervention:
    """With only those values that change anything here, and whether a run can be told of them while it trains."""
    values = {key: value for key, value in each.values.items() if flat.get(key, value) != value}
    return replace(each, values=values, live=all(key in live for key in values))
