"""Fine-tuning, and training from scratch: one procedure, started from a run's weights or from its initial weights.

The same for both: AdamW with a linear warm-up and half a cosine, weak augmentation (crops and the run's own mirroring), the final
weights. Only the initial weights differ, and the learning rate of the backbone, which both choose from the same RATES on the
same held-out labels: a trained network needs small steps, a new one large steps.
"""

from __future__ import annotations

import copy
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from playground.config import RunConfig
from playground.evaluation.protocol import BATCH
from playground.evaluation.subsets import held_out
from playground.machine.devices import Device
from playground.machine.measuring import measuring
from playground.methods import Method
from playground.optimizers import CATALOG as OPTIMIZERS
from playground.optimizers import parameter_groups, schedule
from playground.randomness import seeded_generator
from playground.views.augment import Augment, augment

HEAD_RATE = 3e-3
RATES = (0.1, 1.0)  # of the backbone, times that of the head
DECAY, WARMUP = 1e-4, 0.1
CROP_MIN = 0.5  # the smallest share of an image that a crop keeps
CHUNK = 512

Steps = Generator[None, None, "Classifier"]


class Classifier(nn.Module):
    """A copy of an encoder, and a linear head with initial weights of zero."""

    def __init__(self, method: Method, width: int, classes: int) -> None:
        super().__init__()
        self.method = copy.deepcopy(method).requires_grad_(True)
        self.head = nn.Linear(width, classes)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) in [0, 1] -> (B, classes) logits."""
        return cast(Tensor, self.head(self.method.embed(images).float()))


@dataclass(frozen=True)
class Recipe:
    """The settings of fine-tuning and of training from scratch. flip: the probability of mirroring."""

    steps: int
    flip: float
    device: Device

    @property
    def augmentation(self) -> Augment:
        """Crops and mirroring, which are enough for training with labels."""
        return Augment(crop_scale_min=CROP_MIN, flip_probability=self.flip, jitter_probability=0, grayscale_probability=0)


def recipe(config: RunConfig, steps: int, device: Device) -> Recipe:
    """With the run's probability of mirroring: some images must not be mirrored."""
    return Recipe(steps, config.augment.flip_probability, device)


def tune(method: Method, pixels: Tensor, labels: Tensor, classes: int, rate: float, seed: int, how: Recipe) -> Steps:
    """Trains a copy of `method` on all of these images, (N, 3, H, W) uint8; yields after each step, and returns it in evaluation mode."""
    where, generator = how.device.device, seeded_generator(seed, "evaluation tuning", 0)
    with torch.no_grad():
        width = method.eval().to(where).embed(pixels[:1].to(where).float() / 255).shape[1]
    model = Classifier(method, width, classes).to(where).to(memory_format=how.device.memory_format)
    knobs: Any = OPTIMIZERS["adamw"].Knobs(learning_rate=HEAD_RATE, weight_decay=DECAY)
    optimizer = OPTIMIZERS["adamw"].build(parameter_groups(model, DECAY, {"method": rate}), knobs)
    for step in range(how.steps):
        rows = torch.randint(len(labels), (BATCH,), generator=generator)
        views = augment(pixels[rows], how.augmentation, generator)
        for group in optimizer.param_groups:
            group["lr"] = HEAD_RATE * group["factor"] * schedule(step, how.steps, WARMUP)
        model.train()
        with how.device.autocast():
            logits = model(views.to(where, memory_format=how.device.memory_format))
        optimizer.zero_grad(set_to_none=True)
        F.cross_entropy(logits.float(), labels[rows].to(where)).backward()
        optimizer.step()
        yield
    return model.eval().requires_grad_(False)


def chosen_rate(method: Method, pixels: Tensor, labels: Tensor, classes: int, seed: int, how: Recipe) -> Generator[None, None, float]:
    """The one of RATES that does best on held-out labels; yields after each step of its trials."""
    chooses = held_out(labels, seed)
    if not chooses.any():
        return RATES[-1]
    found = []
    for rate in RATES:
        model = yield from tune(method, pixels[~chooses], labels[~chooses], classes, rate, seed, how)
        guesses = predict(model, pixels[chooses], how.device)
        found.append((float((guesses == labels[chooses]).float().mean()), -rate))
    return -max(found)[1]


def predict(model: Classifier, pixels: Tensor, device: Device) -> Tensor:
    """(N, 3, H, W), uint8 or in [0, 1] -> (N,) labels."""
    with measuring(model):
        return torch.cat([model(on(part, device)).argmax(1).cpu() for part in pixels.split(CHUNK)])


def on(pixels: Tensor, device: Device) -> Tensor:
    """The images on the device, in [0, 1]."""
    images = pixels.to(device.device)
    images = images.float() / 255 if images.dtype == torch.uint8 else images
    return images.contiguous(memory_format=device.memory_format)
