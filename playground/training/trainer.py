"""One training step: views, loss, gradient, weight update."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from playground.config import RunConfig
from playground.datasets import Images
from playground.machine.devices import Device
from playground.methods import Batch, Method
from playground.optimizers import parameter_groups, schedule
from playground.randomness import derived_seed, seeded_generator
from playground.training.calibration import calibrate_batchnorm
from playground.views.augment import augment

CALIBRATED = 32  # images for the initial statistics of batch normalization


class Trainer:
    """The weights of one run and their update in one step: a pure function of config, changes, and step number."""

    def __init__(self, config: RunConfig, images: Images, device: Device) -> None:
        self.config, self.device, self.step = config, device, 0
        self.images = images.to(device.device)
        self.method = untrained(config, images).to(device.device).to(memory_format=device.memory_format)
        groups = parameter_groups(self.method, config.optimizer.weight_decay, self.method.learning_rate_factors())
        self.optimizer = config.optimizer.choice.build(groups, config.optimizer)

    def compute_as(self, device: Device) -> None:
        """Changes the precision, memory format or number of threads on the same device, from the next step on."""
        self.device = device
        self.method.to(memory_format=device.memory_format)

    def batch(self, step: int, part: int = 0) -> Batch:
        """The batch of update number `step` (from 1), `part` of `config.accumulation`."""
        place = (step - 1) * self.config.accumulation + part
        return drawn(self.config.at(step), self.images, self._rows(place), self.device, lambda purpose: self._generator(purpose, place))

    def update(self) -> dict[str, Tensor]:
        """One step: views, loss, gradient, weight update. Returns named scalars that are still on the device."""
        self.step += 1
        self.method.before_step(self.step, self.images.pixels, self._generator("rounds", self.step))
        return self.learn([self.batch(self.step, part) for part in range(self.config.accumulation)])

    def learn(self, batches: Sequence[Batch]) -> dict[str, Tensor]:
        """The part of a step after the views; the gradients of several batches are averaged."""
        config, optimizer = self.config.at(self.step), self.optimizer
        self._apply_live_knobs(config)
        rate = config.optimizer.learning_rate * schedule(self.step - 1, config.steps, config.optimizer.warmup_fraction)
        for group in optimizer.param_groups:
            group["lr"] = rate * group["factor"]
        optimizer.zero_grad(set_to_none=True)
        parts = [self._gradient(batch, (self.step - 1) * len(batches) + part) for part, batch in enumerate(batches)]
        if len(parts) > 1:
            torch._foreach_div_([weight.grad for weight in self.method.parameters() if weight.grad is not None], len(parts))
        optimizer.step()
        self.method.after_step(self.step / config.steps)
        return parts[0] if len(parts) == 1 else {name: torch.stack([each[name] for each in parts]).mean(0) for name in parts[0]}

    def change(self, name: str, value: Any) -> Any:
        """Changes a live knob and returns its new value. Raises ConfigError."""
        self.config = self.config.changed(name, value)
        return self.config.flat()[name]

    def state(self) -> dict[str, Any]:
        """Everything that differs from a new trainer; the tensors are not copied."""
        return {
            "config": self.config.flat(),
            "step": self.step,
            "device": self.device.state(),
            "method": self.method.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Restores a `state`, in which live knobs may have been changed."""
        self.config, self.step = RunConfig(**state["config"]), state["step"]
        self.method.load_state_dict(state["method"])
        self.optimizer.load_state_dict(state["optimizer"])

    def _gradient(self, batch: Batch, place: int) -> dict[str, Tensor]:
        """Adds one batch's gradient, and returns its named scalars."""
        with self.device.autocast():
            values = self.method.loss(batch, self._generator("loss", place))
        return {name: value.detach() for name, value in self.method.backward(values).items()}

    def _apply_live_knobs(self, config: RunConfig) -> None:
        """Gives the method the current values of its live knobs."""
        self.method.knobs, self.method.masking = config.method, config.masking

    def _generator(self, purpose: str, place: int) -> torch.Generator:
        return seeded_generator(self.config.seed, purpose, place + 1, self.device.device)

    def _rows(self, place: int) -> Tensor:
        """The indices of the images in batch number `place` (from 0): a new order in every epoch, without the incomplete last batch."""
        size = self.config.batch_size
        epoch, place = divmod(place, len(self.images) // size)
        return _order(self.config.seed, epoch, len(self.images))[place * size : (place + 1) * size]


def drawn(config: RunConfig, images: Images, rows: Tensor, device: Device, random: Callable[[str], torch.Generator]) -> Batch:
    """The views of one step, of the training images with indices rows (B,). random: gives a generator for a purpose, on the device."""
    pixels = images.pixels[rows.to(images.pixels.device)].to(device.device)
    rows = rows.to(device.device)

    def laid_out(views: Tensor, count: int) -> list[Tensor]:
        return list(views.contiguous(memory_format=device.memory_format).chunk(count))

    count, crops = config.method.choice.views, config.crops
    views = laid_out(augment(pixels.repeat(count, 1, 1, 1), config.augment, random("views"), views=count), count)
    local: list[Tensor] = []
    if crops and (many := crops.local_views):
        local = laid_out(augment(pixels.repeat(many, 1, 1, 1), config.augment, random("local"), crops), many)
    return Batch(views, local, rows, {name: labels[rows] for name, labels in images.factors.items()})


def untrained(config: RunConfig, images: Images) -> Method:
    """The method before its first step, on the CPU: its weights depend only on the seed of the config."""

    def random(purpose: str) -> torch.Generator:
        return seeded_generator(config.seed, f"calibration {purpose}", 0)

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derived_seed(config.seed, "weights", 0))
        backbone = config.network.choice.build(config.network, config.data.image_size)
        method: Method = config.method.choice(backbone, config)
        rows = _order(config.seed, 0, len(images))[:CALIBRATED]
        batch = drawn(config.at(1), images, rows, Device(torch.device("cpu"), None, torch.contiguous_format), random)
        calibrate_batchnorm(method, batch, random("loss"))
    return method


@functools.lru_cache(maxsize=2)
def _order(seed: int, epoch: int, count: int) -> Tensor:
    return torch.randperm(count, generator=seeded_generator(seed, "order", epoch))
