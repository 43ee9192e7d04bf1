"""One training step: views, loss, gradient, weights."""

from __future__ import annotations

import functools
from typing import Any

import torch
from torch import Tensor

from playground.augment import augment
from playground.config import RunConfig
from playground.datasets import Images
from playground.devices import Device
from playground.optimizers import parameter_groups, schedule
from playground.randomness import stream, stream_seed


class Trainer:
    """The weights of one run and how one step changes them: a pure function of config, changes, and step number."""

    def __init__(self, config: RunConfig, images: Images, device: Device) -> None:
        self.config, self.device, self.step = config, device, 0
        self.pixels = images.pixels.to(device.where)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(stream_seed(config.seed, "weights", 0))
            backbone = config.network.choice.build(config.network, config.data.choice.image_size)
            self.method = config.method.choice(backbone, config)
        self.method.to(device.where, memory_format=device.memory_format)
        groups = parameter_groups(self.method, config.optimizer.weight_decay, self.method.learning_rate_factors())
        self.optimizer = config.optimizer.choice.build(groups, config.optimizer)

    def views(self, step: int) -> list[Tensor]:
        """The views of update number `step` (from 1): a list of (B, 3, H, W) in [0, 1]."""
        batch = self.pixels[self._rows(step - 1).to(self.pixels.device)]
        generator = stream(self.config.seed, "views", step, self.device.where)
        both = augment(batch.repeat(self.method.views, 1, 1, 1), self.config.augment, generator)
        return list(both.contiguous(memory_format=self.device.memory_format).chunk(self.method.views))

    def update(self) -> dict[str, Tensor]:
        """One step: views, loss, gradient, weights. Returns named scalars that are still on the device."""
        self.step += 1
        return self.learn(self.views(self.step))

    def learn(self, views: list[Tensor]) -> dict[str, Tensor]:
        """The part of a step that follows the views."""
        config, optimizer = self.config, self.optimizer
        rate = config.optimizer.learning_rate * schedule(self.step - 1, config.steps, config.optimizer.warmup_fraction)
        for group in optimizer.param_groups:
            group["lr"] = rate * group["factor"]
        with self.device.autocast():
            values = self.method.loss(views, stream(config.seed, "loss", self.step, self.device.where))
        optimizer.zero_grad(set_to_none=True)
        values["loss"].backward()
        optimizer.step()
        self.method.after_step(self.step / config.steps)
        return {name: value.detach() for name, value in values.items()}

    def change(self, name: str, value: Any) -> Any:
        """Moves a live knob and returns its new value. Raises ConfigError."""
        self.config = self.config.changed(name, value)
        self.method.knobs, self.method.masking = self.config.method, self.config.masking
        return self.config.flat()[name]

    def state(self) -> dict[str, Any]:
        """Everything that differs from a fresh trainer; the tensors are the live ones."""
        return {
            "config": self.config.flat(),
            "step": self.step,
            "method": self.method.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Goes back to a `state`, in which live knobs may have been moved."""
        self.config, self.step = RunConfig(**state["config"]), state["step"]
        self.method.knobs, self.method.masking = self.config.method, self.config.masking
        self.method.load_state_dict(state["method"])
        self.optimizer.load_state_dict(state["optimizer"])

    def _rows(self, step: int) -> Tensor:
        """Which images step number `step` (from 0) sees: every epoch a new order, the incomplete last batch left out."""
        size = self.config.batch_size
        epoch, place = divmod(step, len(self.pixels) // size)
        return _order(self.config.seed, epoch, len(self.pixels))[place * size : (place + 1) * size]


@functools.lru_cache(maxsize=2)
def _order(seed: int, epoch: int, count: int) -> Tensor:
    return torch.randperm(count, generator=stream(seed, "order", epoch))
