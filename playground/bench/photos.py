"""The time until k-NN accuracy on CIFAR-10 reaches a goal, from its original files, with torch and numpy alone."""

from __future__ import annotations

import hashlib
import pickle
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from playground.config import RunConfig
from playground.datasets import Images
from playground.evaluation.probes import knn_predict
from playground.machine.devices import Device
from playground.machine.measuring import measuring
from playground.training.trainer import Trainer

FOLDER = "cifar-10-batches-py"
TRAINING = {  # Krizhevsky's files and their md5: a pickle can run any code, so no other file is opened
    "data_batch_1": "c99cafc152244af753f735de768cd75f",
    "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
    "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
    "data_batch_4": "634d18415352ddfa80567beed471001a",
    "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
}
TEST = {"test_batch": "40351d587109b95175f43aff81a1287e"}
LOOKS = 20  # how often it is measured
CHUNK = 1000  # images embedded at once
TIMED = 5  # steps, by which the length of the run is chosen


def read(folder: Path) -> tuple[Images, Images]:
    """CIFAR-10's 50,000 training and 10,000 test images. Raises OSError, and ValueError for files that are not the official ones."""
    return _part(folder, TRAINING), _part(folder, TEST)


def _part(folder: Path, files: dict[str, str]) -> Images:
    parts = [_batch(folder / FOLDER / name, md5) for name, md5 in files.items()]
    pixels = np.concatenate([each[b"data"] for each in parts]).reshape(-1, 3, 32, 32)
    labels = torch.tensor([label for each in parts for label in each[b"labels"]])
    return Images(torch.from_numpy(pixels), {"class": labels}, {"class": [str(each) for each in range(10)]})


def _batch(file: Path, md5: str) -> dict[bytes, Any]:
    content = file.read_bytes()
    if hashlib.md5(content).hexdigest() != md5:
        raise ValueError(f"{file} must be the official file of CIFAR-10, got another one")
    found: dict[bytes, Any] = pickle.loads(content, encoding="bytes")
    return found


def seconds_to(goal: float, config: RunConfig, images: Images, test: Images, device: Device, budget: float) -> dict[str, Any]:
    """Trains for as many steps as `budget` seconds allow, and returns the time at which k-NN accuracy reached the goal, and its course.

    seconds: of training alone. The learning rate falls to zero over these steps, so that a longer budget gives a better end.
    """
    pace = _seconds_a_step(config, images, device)
    measuring_takes = _seconds(lambda: knn(Trainer(config, images, device), images, test))
    config = config.model_copy(update={"steps": max(LOOKS, int((budget - LOOKS * measuring_takes) / pace))})
    trainer, trained, curve = Trainer(config, images, device), 0.0, []
    looks = {round((number + 1) * config.steps / LOOKS) for number in range(LOOKS)}
    ends, found = time.monotonic() + budget, 0.0
    while trainer.step < config.steps and found < goal and time.monotonic() < ends:
        trained += _seconds(trainer.update) if trainer.step + 1 in looks else _unsettled(trainer)
        if trainer.step in looks:
            found = knn(trainer, images, test)
            curve.append({"step": trainer.step, "seconds": round(trained, 2), "knn": round(found, 4)})
    return {"goal": goal, "seconds": round(trained, 2) if found >= goal else None, "steps_planned": config.steps, "curve": curve}


def knn(trainer: Trainer, images: Images, test: Images) -> float:
    """k-NN accuracy on test images, with neighbors among the training images."""
    (factor, labels), device = next(iter(images.factors.items())), trainer.device.device
    with measuring(trainer.method):
        known, tested = _embedded(trainer, images.pixels), _embedded(trainer, test.pixels)
        guesses = knn_predict(known, labels.to(device), tested)
    return float((guesses == test.factors[factor].to(device)).float().mean())


def _embedded(trainer: Trainer, pixels: Tensor) -> Tensor:
    where, lies = trainer.device.device, trainer.device.memory_format
    return torch.cat([trainer.method.embed((part.to(where).float() / 255).contiguous(memory_format=lies)) for part in pixels.split(CHUNK)])


def _seconds_a_step(config: RunConfig, images: Images, device: Device) -> float:
    trainer = Trainer(config, images, device)
    for _ in range(TIMED):
        trainer.update()  # the first are slow
    return _seconds(lambda: [trainer.update() for _ in range(TIMED)]) / TIMED


def _seconds(work: Any) -> float:
    """The time for some work, including its work on the device."""
    begun = time.perf_counter()
    work()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - begun


def _unsettled(trainer: Trainer) -> float:
    """One step; unfinished work on the device is counted at the next synchronization."""
    begun = time.perf_counter()
    trainer.update()
    return time.perf_counter() - begun
