"""RunConfig: everything that defines a run, checked when it is created.

One flat form is used for JSON, the address bar, `--set`, the page's controls and live changes:

    {"data": "shapes", "method": "simclr", "method.temperature": 0.2, "augment.hue": 0.1, "steps": 300, ...}

Missing keys get their defaults; a dataset and a method may each suggest better defaults than the general ones.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode

from pydantic import ValidationError, model_serializer, model_validator

from playground import datasets, methods, networks, optimizers
from playground.datasets.own_set import PREFIX
from playground.flat import as_text, build, did_you_mean, flatten, must_hold, refusal, scheduled
from playground.knobs import ConfigError, Knob, Section, knob, knobs_of
from playground.machine import devices
from playground.schedules import Schedule, progress_at
from playground.views.augment import Augment, Crops
from playground.views.masking import Masking

CHOICES: dict[str, Mapping[str, Any]] = {
    "data": datasets.CATALOG,
    "method": methods.CATALOG,
    "network": networks.CATALOG,
    "optimizer": optimizers.CATALOG,
    "device": devices.CATALOG,
}
PLAIN: dict[str, type[Section]] = {"augment": Augment, "crops": Crops, "masking": Masking}  # sections that are not chosen by a name
PER_METHOD = {
    "crops": ("multi_crop", "uses no local views"),
    "masking": ("masked", "does not mask patches"),
}  # section -> the attribute of methods that use it; the reason if not
DEFAULT_CHOICES: dict[str, Any] = {"data": "shapes", "method": "simclr", "network": "resnet-small", "optimizer": "adamw", "device": "auto"}
LISTS = {
    "data": "ssl-playground data list",
    "method": "ssl-playground methods",
}  # commands that list the names, for lists too long for a sentence
OWN_IMAGES_HINT = " (own images exist only on the machine where they were added, until they are removed)"

Chosen = Any  # the Knobs of the chosen class, whose fields depend on the name


class RunConfig(Section):
    """The complete settings of one training: the same config gives the same run.

    Takes the flat form (`RunConfig(**{"method.temperature": 0.1})`), sections (`RunConfig(augment={"hue": 0})`) or both.
    Raises `ConfigError` (a ValueError) for the first invalid value.
    """

    data: Chosen
    method: Chosen
    network: Chosen
    optimizer: Chosen
    device: Chosen
    augment: Augment
    crops: Crops | None
    masking: Masking | None
    schedule: dict[str, Schedule]
    steps: int = knob(300, 1, 1_000_000, "How many times the weights are updated.")
    batch_size: int = knob(256, 2, 8192, "Number of images in a batch; each image gives several views.")
    accumulation: int = knob(
        1,
        1,
        64,
        "Number of batches whose gradients are added before the weights are updated. Negatives still come from one batch at a time.",
    )
    seed: int = knob(0, 0, 2**31 - 1, "The seed of all random numbers: the same seed gives the same run.")

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise refusal(error.errors()[0], knobs_of(RunConfig)) from None

    @model_validator(mode="before")
    @classmethod
    def _complete(cls, values: Any) -> dict[str, Any]:
        """Adds missing keys and replaces names by their knobs."""
        given = flatten(values, PLAIN)
        flat = defaults(**{section: given[section] for section in CHOICES if section in given})
        for key in given:
            _require_known(key, flat)
        return _nest(flat | given)

    @model_validator(mode="after")
    def _fits_together(self) -> RunConfig:
        """Checks whether the choices fit together."""
        method, network, data = self.method.choice, self.network.choice, self.data.choice
        if network.family not in method.accepts:
            fitting = ", ".join(name for name, each in networks.CATALOG.items() if each.family in method.accepts)
            raise ConfigError("network", f"{method.name}: network must be one of {fitting}, got {network.name}")
        if self.batch_size > data.count:
            raise ConfigError(
                "batch_size", f"batch_size must be at most {data.count}, the number of images in {data.name}, got {self.batch_size}"
            )
        if self.batch_size < method.min_batch:
            raise ConfigError("batch_size", f"{method.name}: batch_size must be at least {method.min_batch}, got {self.batch_size}")
        for each in self.knobs():
            self._require_option(each)
        for check in (network.check, Crops.check, method.check):
            check(self)
        return self

    def _require_option(self, each: Knob) -> None:
        """Checks an option that depends on other choices."""
        section, _, name = each.key.rpartition(".")
        owner = getattr(self, section) if section else self
        value = getattr(owner, name)
        if each.kind == "option" and value not in each.options:
            chosen = f"with data {self.data.name} and network {self.network.name}, {must_hold(each)}, got {value}"
            raise ConfigError(each.key, f"{getattr(owner, 'name', section)}: {chosen}".removeprefix(": "))

    @model_serializer
    def flat(self) -> dict[str, Any]:
        """The flat form, complete, in a fixed order."""
        flat: dict[str, Any] = {}
        for section in CHOICES:
            knobs = getattr(self, section)
            flat[section] = knobs.name
            flat |= {f"{section}.{name}": value for name, value in knobs}
        for section in PLAIN:
            flat |= {f"{section}.{name}": value for name, value in getattr(self, section) or ()}
        flat |= {name: getattr(self, name) for name in ("steps", "batch_size", "accumulation", "seed")}
        return flat | {f"schedule.{key}": str(each) for key, each in self.schedule.items()}

    def to_json(self) -> str:
        """Lossless: `RunConfig.from_json(config.to_json()) == config`."""
        return json.dumps(self.flat(), indent=2)

    @classmethod
    def from_json(cls, text: str) -> RunConfig:
        """The inverse of `to_json`. Raises ConfigError."""
        try:
            values = json.loads(text)
        except json.JSONDecodeError as error:
            raise ConfigError("", f"a config must be JSON, got text that is not: {error}") from None
        if not isinstance(values, dict):
            raise ConfigError("", f"a config must be a JSON object, got {text.strip()[:40]}")
        return cls(**values)

    def to_query(self) -> str:
        """The whole config as the query of an address; lossless, like JSON."""
        return urlencode({key: as_text(value) for key, value in self.flat().items()})

    @classmethod
    def from_query(cls, query: str) -> RunConfig:
        """Reads what `to_query` wrote. Raises ConfigError."""
        return cls(**dict(parse_qsl(query.removeprefix("?"), keep_blank_values=True)))

    def changed(self, name: str, value: Any) -> RunConfig:
        """The config with one live knob changed; its schedule, if it has one, ends. Raises ConfigError if this is not possible."""
        flat = self.flat()
        _require_known(name, flat)
        if name not in self.live():
            raise ConfigError(name, f"{name} cannot change while a run trains; what can: {', '.join(self.live())}")
        flat.pop(f"schedule.{name}", None)
        return RunConfig(**flat | {name: value})

    def with_method(self, name: str) -> RunConfig:
        """The config with another method and its default knobs, without local views and schedules. Raises ConfigError."""
        flat = self.flat()
        kept = {key: value for key, value in flat.items() if not key.startswith(("method", "schedule."))}
        alone = {key: value for key, value in defaults(data=flat["data"], method=name).items() if key.startswith("method")}
        return RunConfig(**kept | alone | ({"crops.local_views": 0} if methods.CATALOG[name].multi_crop else {}))

    def at(self, step: int) -> RunConfig:
        """The config for update number `step` (from 1): scheduled knobs have their value at this step."""
        progress = progress_at(step, self.steps)
        moved: dict[str, Section] = {}
        for key, schedule in self.schedule.items():
            section, _, name = key.partition(".")
            part = moved.get(section, getattr(self, section))
            moved[section] = part.model_copy(update={name: schedule.value(getattr(getattr(self, section), name), progress)})
        return self.model_copy(update=moved) if moved else self

    def knobs(self) -> list[Knob]:
        """Every knob of this config, with the range, help and suggested default for these choices."""
        return knobs_for(**{section: getattr(self, section).name for section in CHOICES})

    def live(self) -> tuple[str, ...]:
        """The keys that may change while the run trains."""
        return tuple(each.key for each in self.knobs() if each.live)

    def deviations(self) -> dict[str, Any]:
        """The values that differ from the suggested defaults, which means that a user set them."""
        flat = self.flat()
        usual = defaults(**{section: flat[section] for section in CHOICES})
        return {key: value for key, value in flat.items() if value != usual.get(key)}


def defaults(**choices: str) -> dict[str, Any]:
    """The flat form if only some choices are given. The method's suggestions take priority over those of the dataset."""
    picked = DEFAULT_CHOICES | choices
    for section in ("data", "method"):
        picked |= {key: value for key, value in _chosen(section, picked).suggests.items() if key in CHOICES and key not in choices}
    flat: dict[str, Any] = dict(picked)
    flat |= {each.key: each.default for each in knobs_for_sections(picked)}
    for section in ("data", "method"):
        suggests = _chosen(section, picked).suggests
        for key, value in suggests.items():
            owner = key.partition(".")[0]
            meant = suggests.get(owner, DEFAULT_CHOICES.get(owner)) if owner in CHOICES else None
            if key in flat and key not in CHOICES and meant in (None, picked.get(owner)):
                flat[key] = value
    flat["batch_size"] = min(flat["batch_size"], 1 << (_chosen("data", picked).count.bit_length() - 1))  # small datasets need small batches
    return flat


def knobs_for(**choices: str) -> list[Knob]:
    """Every knob for these choices, with its suggested default."""
    flat = defaults(**choices)
    return [_with_default(each, flat[each.key]) for each in knobs_for_sections(flat)]


def knobs_for_sections(picked: Mapping[str, Any]) -> list[Knob]:
    """The knobs of every section in use, in the order of the flat form."""
    knobs = [each for section in CHOICES for each in knobs_of(_chosen(section, picked).Knobs, f"{section}.", picked)]
    method = _chosen("method", picked)
    for section, kind in PLAIN.items():
        if section not in PER_METHOD or getattr(method, PER_METHOD[section][0]):
            knobs += knobs_of(kind, f"{section}.")
    return knobs + [each for each in knobs_of(RunConfig) if each.key not in CHOICES]


def _with_default(each: Knob, default: Any) -> Knob:
    return Knob(**vars(each) | {"default": default})


def _chosen(section: str, picked: Mapping[str, Any]) -> Any:
    name, catalog = picked[section], CHOICES[section]
    if not isinstance(name, str) or name not in catalog:
        hint = did_you_mean(str(name), catalog) or (OWN_IMAGES_HINT if str(name).startswith(PREFIX) else "")
        known = f"those that `{LISTS[section]}` names" if section in LISTS else ", ".join(catalog)
        raise ConfigError(section, f"{section} must be one of {known}, got {'nothing' if name == '' else name}{hint}")
    return catalog[name]


def _require_known(key: str, flat: Mapping[str, Any]) -> None:
    if key in flat:
        return
    section, _, name = key.partition(".")
    if section == "schedule":
        try:
            _require_known(name, flat)
        except ConfigError as error:
            raise ConfigError(key, str(error)) from None
        return
    owner = flat[section] if section in CHOICES else section
    siblings = [each.partition(".")[2] for each in flat if each.startswith(f"{section}.")]
    if section in PER_METHOD and not siblings:
        flag, reason = PER_METHOD[section]
        others = ", ".join(each for each, method in methods.CATALOG.items() if getattr(method, flag))
        raise ConfigError(key, f"{flat['method']} {reason}: {key} is for {others}")
    if name and (siblings or section in CHOICES):
        known = f"it has {', '.join(siblings)}" if siblings else "it has none"
        raise ConfigError(key, f"{owner} has no knob {name}: {known}{did_you_mean(name, siblings)}")
    raise ConfigError(key, f"there is no setting {key}{did_you_mean(key, flat)}")


def _nest(flat: Mapping[str, Any]) -> dict[str, Any]:
    """Flat keys -> what the fields of RunConfig take."""

    def part(section: str) -> dict[str, Any]:
        return {key.partition(".")[2]: value for key, value in flat.items() if key.startswith(f"{section}.")}

    nested: dict[str, Any] = {key: value for key, value in flat.items() if "." not in key and key not in CHOICES}
    for section in CHOICES:
        nested[section] = build(_chosen(section, flat).Knobs, section, str(flat[section]), part(section))
    for section, plain in PLAIN.items():
        nested[section] = build(plain, section, section, part(section)) if part(section) else None
    nested["schedule"] = {key: scheduled(key, value, knobs_for_sections(flat)) for key, value in part("schedule").items()}
    return nested
