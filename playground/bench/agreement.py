"""The agreement of two devices: features, loss and gradient of the same weights and views, in float32."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from playground.config import RunConfig
from playground.datasets import load_images
from playground.machine import devices
from playground.machine.measuring import full_float32
from playground.methods import Batch
from playground.randomness import seeded_generator
from playground.training.trainer import Trainer

# As a share of the length. Sums are rounded in another order; in gradients, after two passes through the network, this accumulates.
TOLERANCE = {"features": 1e-4, "loss": 1e-4, "gradient": 1e-2}
SEEN = 32  # of a batch


def compared(config: RunConfig, device: str) -> dict[str, Any]:
    """The difference between the device and the CPU: features, loss, gradient, each as a share of its length.

    Methods that draw random numbers get others on another device: for these only features are compared, with a note.
    """
    images = load_images(config.data, Path("unused"))[0]
    kind = devices.pick(device, config.network.choice.family)
    here, there = (Trainer(config, images, plain(kind, where)) for where in ("cpu", device))
    batch = here.batch(1).first(SEEN)
    with full_float32():
        features = [_features(each, batch) for each in (here, there)]
        (loss, gradient, drew), (other, slope, _) = (_gradient(each, batch) for each in (here, there))
    found: dict[str, Any] = {"features": _apart(*features)}
    if drew:
        return found | {"not_compared": "loss and gradient: they draw random numbers, which differ between devices"}
    return found | {"loss": _apart(loss, other), "gradient": _apart(gradient, slope)}


def plain(device: devices.Device, where: str) -> devices.Device:
    """The device in full precision and with the usual memory format, on `where`."""
    return replace(device, device=torch.device(where), autocast_dtype=None, memory_format=torch.contiguous_format)


@torch.no_grad()
def _features(trainer: Trainer, batch: Batch) -> Tensor:
    trainer.method.eval()
    found = trainer.method.embed(batch.views[0].to(trainer.device.device)).cpu()
    trainer.method.train()
    return found


def _gradient(trainer: Trainer, batch: Batch) -> tuple[Tensor, Tensor, bool]:
    """Loss, gradient of all weights in one row, and whether random numbers were drawn on the way."""
    where = trainer.device.device
    moved = Batch(
        [each.to(where) for each in batch.views], [each.to(where) for each in batch.local_views], batch.rows.to(where),
        {name: each.to(where) for name, each in batch.factors.items()},
    )  # fmt: skip
    generator = seeded_generator(0, "bench", 0, where)
    before = generator.get_state()
    trainer.method.before_step(1, trainer.images.pixels, generator)
    values = trainer.method.backward(trainer.method.loss(moved, generator))
    gradients = [each.grad.flatten().float().cpu() for each in trainer.method.parameters() if each.grad is not None]
    drew = not torch.equal(before, generator.get_state())
    return values["loss"].detach().float().cpu(), torch.cat(gradients or [torch.zeros(1)]), drew


def _apart(ours: Tensor, theirs: Tensor) -> float:
    """The length of the difference, as a share of the longer of the two."""
    longest = max(float(ours.double().norm()), float(theirs.double().norm()), 1e-12)
    return float((ours.double() - theirs.double()).norm()) / longest
