"""The fastest settings on this machine, measured in a few steps of the real network before its first run, and stored in the home folder.

    device = chosen(trainer, home())

Memory format and precision are compared in one thread by processor time, so that other busy processes do not matter; the number of
threads is compared by the clock, first all, then half as many, and so on, and only if no other process is busy. The usual settings are
kept unless others are clearly faster: so two homes on one machine choose the same, and the same config gives the same numbers.

Threads must be able to take turns on one core, where `core_sharing` puts them next to a busy process. Some kernels cannot: oneDNN's
convolutions in bfloat16 wait for each other in the backward pass without releasing the core. On an EPYC with AVX-512 a small ResNet
reached 3,400 views/s with two threads on two cores but 41 on one core; a single thread reached 1,900, and two threads in float32 2,200
and 1,100.

torch.compile is not tried: it took 15 to 32 seconds on two CPUs and then trained 1.1 and 0.9 times as fast (one trial each;
`ssl-playground bench` measures it). An interactive run is too short for this.
"""

from __future__ import annotations

import copy
import functools
import json
import math
import os
import platform
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from playground.machine.core_sharing import together, waited
from playground.machine.devices import FORMATS, PRECISIONS, Device
from playground.randomness import seeded_generator
from playground.safe_files import put_in_place
from playground.training.trainer import Trainer

FILE = "devices.json"
CLEARLY = 1.1  # times as fast: a smaller gain does not replace the usual settings
# How many times as slow as one thread several threads on one core may be. In trials it was 1.3 to 6 for kernels that take turns,
# and 39 to 85 for others.
CLUMSY = 9.0
HOPELESS = 3.0  # times as slow as the usual settings in the first pass: not tried any further
ROUNDS = 3
QUIET = 0.1  # share of the time that our threads waited for a core: next to a busy process, one thread looks as fast as two
TRIAL = 0.04  # seconds for one trial step,
FEWEST, MOST = 4, 64  # set by its number of images
_remembered: dict[str, dict[str, Any]] = {}  # in this process, for any home folder
Answer = dict[str, Any]  # `Device.state`


def chosen(trainer: Trainer, home: Path) -> Device:
    """The device of `trainer` with the fastest settings, or with the precision of its config. Measured once per machine and network.

    trainer: one before its first step; its weights do not change.
    """
    usual, precision = trainer.device, trainer.config.device.precision
    if precision != "measured":
        device = replace(usual, autocast_dtype=PRECISIONS[precision], why=f"{precision}, as set in the settings")
        share = device.autocast_dtype is None or device.device.type != "cpu" or _Trial(trainer).takes_turns(device)
        return device if share else replace(device, threads=1)
    answer = _answer(trainer, home / FILE)
    return usual.like(answer | {"threads": min(answer["threads"], usual.threads)})


def _answer(trainer: Trainer, file: Path) -> Answer:
    key = " | ".join(
        [machine(trainer.device), f"torch {torch.__version__}", trainer.config.network.name, f"{trainer.device.threads} threads by turns"]
    )
    # This process first: another one may write a different answer meanwhile, and all runs of one process must use the same settings.
    known = _read(file) | _remembered
    if key in known:
        return _remembered.setdefault(key, known[key])
    answer = _remembered[key] = _measured(trainer)
    _write(file, _read(file) | {key: answer})
    return answer


@functools.cache
def machine(device: Device) -> str:
    """The model of the processor or GPU."""
    if device.device.type == "cuda":
        return torch.cuda.get_device_name(device.device)
    with suppress(OSError):
        models = [
            line.partition(":")[2].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")
        ]
        if models:
            return f"{models[0]}, {os.cpu_count()} cores"
    return f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores"


def _measured(trainer: Trainer) -> Answer:
    """The fastest settings."""
    usual, trial = trainer.device, _Trial(trainer)
    with _threads(1 if usual.device.type == "cpu" else 0):
        seconds = trial.compare(_candidates(usual))
    best = min(seconds, key=lambda each: seconds[each] * (1 if each == usual else CLEARLY))
    if usual.threads <= 1:
        return replace(best, why=_why(best, seconds)).state()
    fastest, why = replace(best, threads=trial.best_threads(best)), _why(best, seconds)
    if not trial.takes_turns(fastest):
        fastest, why = trial.next_best(fastest), f"{why}, but its threads cannot share a core, as they must next to a busy program"
    return replace(fastest, why=why).state()


def _candidates(usual: Device) -> list[Device]:
    """The settings to compare, the usual ones first."""
    if usual.device.type == "mps":
        return [usual]
    other_format = next(each for each in FORMATS.values() if each is not usual.memory_format)
    return [
        usual,
        replace(usual, memory_format=other_format),
        replace(usual, autocast_dtype=None if usual.autocast_dtype else torch.bfloat16),
    ]


def _why(best: Device, seconds: dict[Device, float]) -> str:
    """`measured on this machine: float32 trains 1.4 times as fast as bfloat16`"""
    other = next((each for each in seconds if each.autocast_dtype != best.autocast_dtype), None)
    if other is None:
        return ""
    words = [each.state()["precision"] for each in (best, other)]
    return f"measured on this machine: {words[0]} trains {seconds[other] / seconds[best]:.1f} times as fast as {words[1]}"


class _Trial:
    """Forward and backward passes of a few images, which do not change the trainer."""

    def __init__(self, trainer: Trainer) -> None:
        self.trainer, self.whole = trainer, trainer.batch(1)
        self.images = FEWEST
        self.images = int(min(max(FEWEST * TRIAL / self.time(trainer.device), FEWEST), MOST))

    def step(self, device: Device) -> Callable[[], None]:
        """A function for one pass on `device`, already called once, because the first call is slower."""
        work = self.prepared(device)
        work()
        return work

    def prepared(self, device: Device) -> Callable[[], None]:
        """A function for one pass on `device`."""
        trainer = self.trainer
        method = copy.deepcopy(trainer.method).to(memory_format=device.memory_format)
        few = self.whole.first(self.images)
        few.views[:] = [view.contiguous(memory_format=device.memory_format) for view in few.views]

        def work() -> None:
            method.zero_grad(set_to_none=True)
            with device.autocast():
                values = method.loss(few, seeded_generator(trainer.config.seed, "trial", 0, device.device))
            method.backward(values)

        return work

    def time(self, device: Device) -> float:
        """Seconds of one pass."""
        return _seconds(self.step(device), device)

    def first_time(self, device: Device) -> float:
        """Seconds of the first pass, for settings that may be too slow for a second one."""
        return _seconds(self.prepared(device), device)

    def compare(self, devices: list[Device]) -> dict[Device, float]:
        """Seconds of a pass with each, measured in turn. Settings that are very slow with a few images are not tried with more."""
        images, self.images = self.images, FEWEST
        first = {device: self.time(device) for device in devices[:1]} | {device: self.first_time(device) for device in devices[1:]}
        self.images = images
        hopeless = {device: each for device, each in first.items() if each > HOPELESS * first[devices[0]]}
        work = {device: self.step(device) for device in devices if device not in hopeless}
        turns = [{device: _seconds(each, device) for device, each in work.items()} for _ in range(ROUNDS)]
        seconds = {device: min(turn[device] for turn in turns) for device in work}
        return seconds | {device: each / first[devices[0]] * seconds[devices[0]] for device, each in hopeless.items()}

    def best_threads(self, device: Device) -> int:
        """All threads, or half, a quarter, ... of them as long as fewer are faster. If another process was busy meanwhile, all threads,
        because `core_sharing` handles that case."""
        self.images = min(4 * self.images, MOST)
        seconds: dict[int, float] = {}
        before, begun = waited(), time.perf_counter()
        for threads in _halves(device.threads):
            seconds[threads] = self._with_threads(threads, device)
            if seconds[threads] > CLEARLY * min(seconds.values()):
                break
        best = min(seconds, key=lambda threads: seconds[threads])
        if best == device.threads:
            return best
        every = min(seconds[device.threads], self._with_threads(device.threads, device))
        quiet = waited() - before < QUIET * (time.perf_counter() - begun)
        return best if quiet and CLEARLY * seconds[best] < every else device.threads

    def takes_turns(self, device: Device) -> bool:
        """Whether its threads can share one core, which means that they take about as long as one thread. Tested with a few images."""
        if device.threads <= 1:
            return True
        images, self.images = self.images, FEWEST
        try:
            one = min(self._with_threads(1, device) for _ in range(ROUNDS))  # another busy process may slow down some of them
            with _threads(device.threads):
                work = self.step(device)
                with together() as shared:
                    return not shared or any(_clock(work) < CLUMSY * one for _ in range(ROUNDS))
        finally:
            self.images = images

    def next_best(self, device: Device) -> Device:
        """One thread, or the other precision with its threads if these can take turns and are clearly faster.

        One thread is equally fast next to a busy process and alone. Several threads next to a busy process are about as fast as one of
        them, so the geometric mean of both cases is compared.
        """
        one, other = replace(device, threads=1), replace(device, autocast_dtype=None if device.autocast_dtype else torch.bfloat16)
        other = replace(other, threads=self.best_threads(other))
        middle = math.sqrt(self._with_threads(other.threads, other) * self._with_threads(1, other))
        return other if CLEARLY * middle < self._with_threads(1, one) and self.takes_turns(other) else one

    def _with_threads(self, threads: int, device: Device) -> float:
        """Seconds of a pass with this number of threads."""
        with _threads(threads):
            work = self.step(device)
            return min(_clock(work) for _ in range(ROUNDS))


def _halves(count: int) -> list[int]:
    """count, half of it, and so on, down to 1: 6, 3, 1"""
    return [count >> times for times in range(count.bit_length())]


def _seconds(work: Callable[[], None], device: Device) -> float:
    """Processor time of one CPU thread, or elapsed time on other devices."""
    if device.device.type != "cpu":
        return _clock(work, torch.cuda.synchronize if device.device.type == "cuda" else None)
    begun = time.thread_time()
    work()
    return time.thread_time() - begun


def _clock(work: Callable[[], None], finish: Callable[[], None] | None = None) -> float:
    begun = time.perf_counter()
    work()
    if finish is not None:
        finish()
    return time.perf_counter() - begun


@contextmanager
def _threads(count: int) -> Iterator[None]:
    """This number of threads inside; 0 does not change it."""
    usual = torch.get_num_threads()
    torch.set_num_threads(count or usual)
    try:
        yield
    finally:
        torch.set_num_threads(usual)


def _read(file: Path) -> dict[str, Answer]:
    """Earlier measurements; if they cannot be read, they are measured again."""
    with suppress(OSError, ValueError):
        known = json.loads(file.read_text())
        if isinstance(known, dict):
            return known
    return {}


def _write(file: Path, known: dict[str, Answer]) -> None:
    """Writes the file atomically; if that fails, it is measured again the next time."""
    with suppress(OSError):
        temporary = file.with_suffix(f".{os.getpid()}")
        temporary.write_text(json.dumps(known, indent=2))
        put_in_place(temporary, file)
