"""What a training needs before its first step: images, a trainer on the fastest device settings, a probe set, a schedule."""

from __future__ import annotations

import functools
from collections.abc import Collection
from pathlib import Path
from typing import Any

import torch

from playground.config import RunConfig
from playground.datasets import DataError, Images, load_images
from playground.home import home
from playground.machine.core_sharing import computing_on
from playground.machine.devices import Device
from playground.randomness import seeded_generator
from playground.training.device_trial import chosen
from playground.training.measurement_schedule import MeasurementSchedule, image_cost, probe_size
from playground.training.probe_set import ProbeSet
from playground.training.trainer import Trainer


def loaded(config: RunConfig, folder: Path) -> tuple[Images, Images]:
    """Training and probe images. Raises DataError, also if images were deleted since the config was made and a batch cannot be filled."""
    images, probe = load_images(config.data, folder)
    title, size = config.data.choice.title, config.batch_size
    if len(images) < size:
        raise DataError(f"{title} must have at least {size} training images, as many as a batch, got {len(images)} that can still be read")
    return images, probe


def fastest(config: RunConfig, images: Images, usual: Device, checkpoint: dict[str, Any] | None) -> Trainer:
    """A new trainer with the fastest settings on this machine, or with those of the run that wrote this checkpoint."""
    torch.set_num_threads(usual.threads or torch.get_num_threads())  # for the calibration, independent of the previous run
    trainer = Trainer(config, images, usual)
    before = (checkpoint or {}).get("device")  # older checkpoints do not have it
    trainer.compute_as(usual.like(before) if before else chosen(trainer, home()))
    torch.set_num_threads(trainer.device.threads or torch.get_num_threads())
    computing_on(trainer.device.threads)
    return trainer


def measured_on(trainer: Trainer, probe: Images, measure_at: Collection[int] | None) -> tuple[ProbeSet, MeasurementSchedule]:
    """As many probe images, as often, as a twentieth of the training time allows; measure_at: the steps instead."""
    batch, generator = trainer.batch(1), seeded_generator(trainer.config.seed, "trial", 0, trainer.device.device)
    with trainer.device.autocast():
        cost = image_cost(trainer.method, batch, generator) / trainer.config.accumulation
    probe_set = ProbeSet(_first(probe, probe_size(len(probe), cost)), trainer)
    return probe_set, MeasurementSchedule(trainer.config.steps, cost * probe_set.embedded, measure_at)


@functools.lru_cache(maxsize=2)
def _first(images: Images, count: int) -> Images:
    """The first images: the same object for the next run, so that cached results about them can be reused."""
    return images[:count]


def require_same_pictures(before: str, now: str, config: RunConfig) -> None:
    """before, now: states of the dataset at the start of the run and now. Raises DataError if they differ."""
    if before and before != now:
        title = config.data.choice.title
        raise DataError(
            f"{title} must be unchanged since the run began, state {before}, to continue the run, got state {now}; start a new run"
        )
