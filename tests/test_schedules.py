"""Schedules: closed forms, their place in a config, and in a training."""

import base64
import math
import re

import pytest

from playground.config import RunConfig
from playground.events import Change
from playground.knobs import ConfigError
from playground.schedules import Schedule, progress_at
from playground.training.run import train
from playground.ui.schedules import picture
from support.trainings import trainer_of


def test_a_line_and_half_a_cosine_begin_and_end_where_they_should():
    line, cosine = Schedule.parse("linear 0.1"), Schedule.parse("cosine 0.1")
    for schedule in (line, cosine):
        assert schedule.value(0.5, 0) == 0.5 and schedule.value(0.5, 1) == 0.1
        assert Schedule.parse(str(schedule)) == schedule
    assert line.value(0.5, 0.25) == pytest.approx(0.4)
    assert cosine.value(0.5, 0.25) == pytest.approx(0.1 + 0.4 * (1 + math.cos(math.pi / 4)) / 2)


def test_the_picture_of_a_knob_that_stays_is_a_flat_line():
    figure = picture(Schedule("cosine", 0.2), 0.2, 100, "temperature")
    svg = base64.b64decode(re.search(r"base64,([^\"]+)", figure)[1]).decode()
    heights = {point.split(",")[1] for point in re.search(r'points="([^"]+)"', svg)[1].split()}
    assert len(heights) == 1


def test_the_first_step_has_the_start_and_the_last_the_end():
    assert [progress_at(step, 5) for step in (1, 3, 5)] == [0, 0.5, 1]
    assert progress_at(1, 1) == 0


def test_a_config_knows_every_moment():
    config = RunConfig(steps=11, schedule={"method.temperature": "linear 0.1", "augment.hue": "cosine 0"})
    assert [config.at(step).method.temperature for step in (1, 6, 11)] == pytest.approx([0.2, 0.15, 0.1])
    assert [config.at(step).augment.hue for step in (1, 6, 11)] == pytest.approx([0.5, 0.25, 0])
    assert RunConfig.from_query(config.to_query()) == config == RunConfig.from_json(config.to_json())
    assert config.deviations().keys() >= {"schedule.method.temperature", "schedule.augment.hue"}
    assert RunConfig().at(5) == RunConfig()


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        ("method.temperature", "up 2", "must be linear or cosine and the final value, as in `cosine 0.1`, got up 2"),
        ("method.temperature", "linear", "must be linear or cosine"),
        ("method.temperature", "linear nan", "must be linear or cosine"),
        ("method.temperature", "linear 9", "must end at a number from 0.01 to 2, got 9"),
        ("method.projection_size", "linear 9", "method.projection_size cannot change while a run trains; what can: method.temperature"),
        ("method.negatives", "linear 1", "cannot change while a run trains"),
        ("method.warmth", "linear 1", "simclr has no knob warmth"),
        ("masking.ratio", "linear 0.5", "simclr does not mask patches"),
    ],
)
def test_a_schedule_that_cannot_be_is_refused_in_one_sentence(key, value, sentence):
    with pytest.raises(ConfigError, match=sentence.replace("`", "`")) as refusal:
        RunConfig(schedule={key: value})
    assert refusal.value.key == f"schedule.{key}"


@pytest.mark.slow
def test_training_follows_it_and_a_hand_on_the_knob_ends_it(tiny):
    config = RunConfig(**tiny, schedule={"method.temperature": "linear 0.05"})
    trainer = trainer_of(config)
    seen = [trainer.method.knobs.temperature for _ in range(3) if trainer.update()]
    assert seen == pytest.approx([0.2, 0.17, 0.14])
    assert trainer.change("method.temperature", 1.0) == 1.0
    trainer.update()
    assert trainer.method.knobs.temperature == 1.0 and not trainer.config.schedule


def test_scheduled_augmentation_reaches_the_views(tiny):
    config = RunConfig(**tiny, **{"augment.grayscale_probability": 0}, schedule={"augment.grayscale_probability": "linear 1"})
    trainer = trainer_of(config)
    gray = [
        float((view.amax(1) - view.amin(1)).amax((1, 2)).lt(1e-3).float().mean()) for step in (1, 6) for view in trainer.batch(step).views
    ]
    assert max(gray[:2]) == 0 and min(gray[2:]) == 1


@pytest.mark.slow
def test_the_same_run_again_with_its_changes(tiny):
    config = RunConfig(**tiny, schedule={"method.temperature": "cosine 0.05", "optimizer.learning_rate": "linear 0.001"})
    change = Change(4, "method.temperature", 0.7)
    first, again = ([vars(event) for event in train(config, changes=[change]) if hasattr(event, "values")] for _ in range(2))
    keep = lambda events: [(e["step"], e["values"].get("loss")) for e in events]  # noqa: E731
    assert keep(first) == keep(again)
