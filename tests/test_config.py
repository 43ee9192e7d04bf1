import json
import math

import pytest

from playground.config import CHOICES, RunConfig, defaults, knobs_for
from playground.knobs import ConfigError, knobs_of

MANY_TOGETHER = [  # each value is fine alone; the sentence says what to change
    ({"method": "mae", "network": "resnet-small"}, "network", "mae: network must be one of vit-small, vit-tiny, got resnet-small"),
    (
        {"method": "swav", "method.prototypes": 3000},
        "method.prototypes",
        "prototypes must be at most batch_size + queue_size = 512, got 3000",
    ),
    ({"method": "moco", "batch_size": 100}, "method.queue_size", "queue_size must be a multiple of the 200 keys that one step adds"),
    ({"optimizer.warmup_fraction": 1.2}, "optimizer.warmup_fraction", "warmup_fraction must be from 0 to 0.9, got 1.2"),
    ({"method": "mae", "masking.ratio": 1}, "masking.ratio", "ratio must be from 0.05 to 0.95, got 1"),
    ({"crops.local_views": 4}, "crops.local_views", "simclr uses no local views: crops.local_views is for swav, dino"),
    (
        {"method": "supervised", "method.factor": "weight"},
        "method.factor",
        "supervised: with data shapes and network resnet-tiny, factor must be one of shape, color, size",
    ),
    ({"method": "supervised", "data": "cifar10", "method.factor": "shape"}, "method.factor", "factor must be one of class, got shape"),
    ({"method": "ijepa", "network.patch_size": 16}, "method.targets", "targets must be fewer than the image's 4 patches"),
    ({"method": "beit", "method.tokenizer_share": 1}, "method.tokenizer_share", "tokenizer_share must be from 0.05 to 0.9, got 1"),
    ({"augment": 3}, "augment", "augment must be a group of settings, such as augment.crop_scale_min, got 3"),
]
WRONG = [
    ({"method.temperature": -1}, "method.temperature", "simclr: temperature must be from 0.01 to 2, got -1"),
    ({"method.temperature": "hot"}, "method.temperature", "simclr: temperature must be from 0.01 to 2, got hot"),
    ({"method.temperature": math.nan}, "method.temperature", "simclr: temperature must be from 0.01 to 2, got nan"),
    ({"method.temperature": math.inf}, "method.temperature", "simclr: temperature must be from 0.01 to 2, got inf"),
    ({"method.temperature": ""}, "method.temperature", "simclr: temperature must be from 0.01 to 2, got "),
    ({"augment": {"hue": 0.7}}, "augment.hue", "augment: hue must be from 0 to 0.5, got 0.7"),
    ({"steps": 0}, "steps", "steps must be a whole number from 1 to 1000000, got 0"),
    ({"steps": 2.5}, "steps", "steps must be a whole number from 1 to 1000000, got 2.5"),
    ({"seed": -1}, "seed", "seed must be a whole number from 0 to 2147483647, got -1"),
    ({"device": "tpu"}, "device", "device must be one of auto, cpu, cuda, mps, got tpu"),
    ({"method.negatives": "maybe"}, "method.negatives", "simclr: negatives must be true or false, got maybe"),
    (
        {"method": "simclear"},
        "method",
        "method must be one of those that `ssl-playground methods` names, got simclear (did you mean simclr?)",
    ),
    ({"data": None}, "data", "data must be one of those that `ssl-playground data list` names, got None"),
    ({"network": ["x"]}, "network", f"network must be one of {', '.join(CHOICES['network'])}, got ['x']"),
    ({"methd": "simclr"}, "methd", "there is no setting methd (did you mean method?)"),
    ({"method.temprature": 1}, "method.temprature", "simclr has no knob temprature: it has temperature"),
    ({"method": "vicreg", "method.temperature": 1}, "method.temperature", "vicreg has no knob temperature"),
    ({"method": "colorization", "data": "fashion-mnist"}, "data", "colorization: data must have colors, got fashion-mnist, which is gray"),
    (
        {"method": "supervised", "data": "stl10-unlabeled"},
        "data",
        "supervised: data must have labels, got stl10-unlabeled, which has none",
    ),
    ({"data": "cifar10", "data.size": 33}, "data.size", "cifar10: size must be one of 32, 48, 64, got 33"),
    ({"data": "shapes", "data.size": 64}, "data.size", "shapes has no knob size: it has none"),
    ({"masking.ratio": 0.5}, "masking.ratio", "simclr does not mask patches: masking.ratio is for beit, mae"),
    ({"method": "mae", "network": "resnet-18"}, "network", "mae: network must be one of vit-small, vit-tiny, got resnet-18"),
    ({"network": "vit-tiny", "network.patch_size": 5}, "network.patch_size", "vit-tiny: patch_size must be one of 2, 4, 8, 16, got 5"),
    ({"batch_size": 5000}, "batch_size", "batch_size must be at most 4096, the number of images in shapes, got 5000"),
    ({"batch_size": 1}, "batch_size", "batch_size must be a whole number from 2 to 8192, got 1"),
    ({"optimizer.learning_rate": 0}, "optimizer.learning_rate", "adamw: learning_rate must be from 1e-06 to 10, got 0"),
]


@pytest.mark.parametrize(("values", "key", "sentence"), WRONG, ids=[each[1] + "=" + str(list(each[0].values())[-1]) for each in WRONG])
def test_what_cannot_be_is_refused_in_one_sentence_about_its_knob(values, key, sentence):
    with pytest.raises(ConfigError) as caught:
        RunConfig(**values)
    assert caught.value.key == key
    assert str(caught.value).startswith(sentence)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("method", CHOICES["method"])
@pytest.mark.parametrize("data", CHOICES["data"])
def test_json_and_address_round_trips_are_exact(method, data):
    given = {"method": method, "data": data, "seed": 7, "augment.hue": 0.1 + 0.2, "optimizer.learning_rate": 1 / 3}
    if not CHOICES["data"][data].colored and method == "colorization":
        pytest.skip("there is no color to paint")
    if not CHOICES["data"][data].classes and method == "supervised":
        pytest.skip("there are no labels to learn from")
    config = RunConfig(**given)
    assert RunConfig.from_json(config.to_json()) == config
    assert RunConfig.from_query("?" + config.to_query()) == config
    assert RunConfig(**config.flat()) == config
    assert RunConfig.model_validate_json(config.model_dump_json()) == config


def test_patch_size_comes_back_from_an_address_as_a_number():
    config = RunConfig.from_query("method=mae&network.patch_size=8")
    assert config.network.patch_size == 8


def test_equal_configs_are_equal_however_they_were_written():
    flat = RunConfig(method="simclr", **{"method.temperature": 0.5, "augment.hue": 0})
    nested = RunConfig(method={"name": "simclr", "temperature": 0.5}, augment={"hue": 0.0})
    assert flat == nested
    assert RunConfig(method=flat.method, augment=flat.augment, network=flat.network) == flat


def test_methods_and_data_sets_suggest_defaults_and_people_overrule_them():
    assert RunConfig(method="mae").network.name == "vit-tiny"
    assert RunConfig(method="mae", network="vit-small").network.name == "vit-small"
    assert RunConfig(data="shapes").augment.hue == 0.5
    assert RunConfig(data="shapes", **{"augment.hue": 0.1}).augment.hue == 0.1


def test_a_learning_rate_suggested_for_one_optimizer_is_not_given_to_another():
    assert RunConfig(method="mae").optimizer.learning_rate != RunConfig(method="mae", optimizer="sgd").optimizer.learning_rate
    assert RunConfig(method="mae", optimizer="sgd").optimizer.learning_rate == 0.06


def test_deviations_are_what_a_person_really_set():
    config = RunConfig(method="byol", seed=3, **{"method.momentum": 0.9})
    assert config.deviations() == {"seed": 3, "method.momentum": 0.9}
    assert RunConfig(method="byol", **config.deviations()) == config


def test_a_live_knob_moves_and_others_do_not():
    config = RunConfig()
    assert config.changed("method.temperature", "0.5").method.temperature == 0.5
    with pytest.raises(ConfigError, match="batch_size cannot change while a run trains"):
        config.changed("batch_size", 64)
    with pytest.raises(ConfigError, match="temperature must be from 0.01 to 2, got 9"):
        config.changed("method.temperature", 9)


def test_what_the_page_lets_people_drag_while_a_run_trains():
    assert set(RunConfig(method="byol").live()) >= {"method.momentum", "optimizer.learning_rate", "augment.hue", "augment.crop_scale_min"}
    assert set(RunConfig(method="vicreg").live()) >= {"method.invariance_weight", "method.variance_weight", "method.covariance_weight"}
    assert "masking.ratio" in RunConfig(method="mae").live()


@pytest.mark.parametrize("method", CHOICES["method"])
def test_every_knob_has_help_and_a_default_within_its_range(method):
    for knob in knobs_for(method=method):
        assert len(knob.help) > 15, knob.key
        if knob.kind in ("number", "integer"):
            assert knob.low <= knob.default <= knob.high, knob.key
        if knob.kind == "option":
            assert knob.default in knob.options, knob.key
    assert {knob.key for knob in knobs_for(method=method)} | set(CHOICES) == set(defaults(method=method))


def test_broken_json_is_refused_in_a_sentence():
    for text in ("{", "[]", "3"):
        with pytest.raises(ConfigError, match="a config must be"):
            RunConfig.from_json(text)


def test_the_flat_form_is_plain_json():
    assert json.loads(json.dumps(RunConfig(method="mae").flat())) == RunConfig(method="mae").flat()


def test_no_section_forgets_to_describe_a_field():
    for catalog in CHOICES.values():
        for choice in catalog.values():
            assert len(knobs_of(choice.Knobs)) == len(choice.Knobs.model_fields), choice.name


@pytest.mark.parametrize(("given", "key", "sentence"), MANY_TOGETHER, ids=lambda each: str(each)[:40])
def test_what_does_not_go_together_is_refused_before_the_run(given, key, sentence):
    with pytest.raises(ConfigError) as refusal:
        RunConfig(**given)
    assert sentence in str(refusal.value)
    assert refusal.value.key == key
