"""Whether everything works on this GPU and is correct, and how fast it is. `ssl-playground bench --gpu`, or with few packages installed:

    python -m playground.bench.gpu --json gpu.json --data FOLDER

It needs torch, numpy and pydantic. Every part is a row with its result or with the reason why there is none; a failed part does not
affect the others. `--device cpu --quick` runs the same code with tiny networks, as a test.
"""

from __future__ import annotations

import argparse
import functools
import importlib.util
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from playground.bench.agreement import TOLERANCE, compared, plain
from playground.config import RunConfig
from playground.datasets import Images, load_images
from playground.machine import devices
from playground.methods import CATALOG as METHODS
from playground.randomness import seeded_generator
from playground.results import Unwritten, write
from playground.training.run import train
from playground.training.trainer import Trainer

LIMIT = 300.0  # seconds for everything
ROUNDS = 3
GOAL = 0.8  # of k-NN on CIFAR-10
Row = dict[str, Any]  # part, status ("done", "failed", "absent"), seconds, peak_mb, and what was found, or why nothing was


class Absent(Exception):  # noqa: N818
    """A part that cannot be measured here, and why."""


class Failed(Exception):  # noqa: N818
    """A part whose result is wrong."""


@dataclass(frozen=True)
class Setting:
    """The settings. device: "cuda" or "cpu"; quick: tiny networks and few steps; data: the folder of CIFAR-10, if there is one."""

    device: str = "cuda"
    quick: bool = False
    data: Path | None = None
    methods: Sequence[str] = tuple(METHODS)
    ends: float = float("inf")  # by time.monotonic

    def config(self, method: str, **more: Any) -> RunConfig:
        """A run of a method on this device."""
        small: dict[str, Any] = {}
        if self.quick:
            convolutional = "resnet" in METHODS[method].accepts
            small = {"batch_size": 32} | ({"network": "resnet-tiny"} if convolutional else {"network.patch_size": 8})
        return RunConfig(**{"method": method, "device": self.device} | small | more)

    def large(self, **more: Any) -> RunConfig:
        """The usual size for small images: ResNet-18, batches of 512."""
        size = {"network": "resnet-tiny", "batch_size": 64} if self.quick else {"network": "resnet-18", "batch_size": 512}
        return RunConfig(**{"method": "simclr", "device": self.device} | size | more)

    def left(self, most: float) -> float:
        """How many seconds a part may still take."""
        return max(0.0, min(most, self.ends - time.monotonic()))


def measure(setting: Setting) -> Iterator[Row]:
    """All rows, one after the other."""
    for part, work in _parts(setting):
        yield row(part, work, setting)


def row(part: str, work: Callable[[], Row], setting: Setting) -> Row:
    """One part, with its result or its error."""
    begun, cuda = time.perf_counter(), setting.device == "cuda"
    try:
        if not setting.left(1):
            raise Absent(f"the {LIMIT:.0f} s for everything were over")
        if cuda and not torch.cuda.is_available():
            raise Absent("torch finds no GPU here")
        if cuda:
            torch.cuda.init()  # the count of memory begins with it
            torch.cuda.reset_peak_memory_stats()
        found: Row = {"status": "done"} | work()
        if cuda:
            found["peak_mb"] = round(torch.cuda.max_memory_allocated() / 1e6, 1)
    except Absent as reason:
        found = {"status": "absent", "reason": str(reason)}
    except Failed as reason:
        found = {"status": "failed", "reason": str(reason)}
    except Exception as error:
        found = {"status": "failed", "reason": f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}"}
    return {"part": part, "seconds": round(time.perf_counter() - begun, 2)} | found


def _parts(setting: Setting) -> Iterator[tuple[str, Callable[[], Row]]]:
    yield "machine", functools.partial(machine, setting)
    yield "speed", functools.partial(speed, setting)
    yield "graphs", functools.partial(graphs, setting)
    for name in setting.methods:
        yield f"trains/{name}", functools.partial(trains, setting, name)
    for name in setting.methods:
        yield f"agrees/{name}", functools.partial(agrees, setting, name)
    yield f"seconds to k-NN {GOAL}", functools.partial(cifar10, setting)


def machine(setting: Setting) -> Row:
    """The machine."""
    found: Row = {"python": platform.python_version(), "torch": torch.__version__, "system": platform.platform()}
    if setting.device != "cuda":
        return found | {"device": "cpu", "threads": torch.get_num_threads()}
    facts = torch.cuda.get_device_properties(0)
    capability = f"{facts.major}.{facts.minor}"
    found |= {"device": facts.name, "memory_mb": round(facts.total_memory / 1e6), "capability": capability}
    return found | {"cuda": torch.version.cuda, "cudnn": torch.backends.cudnn.version(), "bf16": torch.cuda.is_bf16_supported()}


def trains(setting: Setting, method: str) -> Row:
    """A few steps with all measurements of a run. Raises Failed if the run fails."""
    steps = 2 if setting.quick else 8
    *_, last = train(setting.config(method, steps=steps), folder=Path("unused"), measure_at=())
    if last.status != "finished":  # type: ignore[attr-defined]
        raise Failed(last.message)  # type: ignore[attr-defined]
    return {"steps": steps}


def agrees(setting: Setting, method: str) -> Row:
    """Features, loss and gradient compared with the CPU. Raises Failed if the difference is larger than rounding errors."""
    found = compared(setting.config(method, steps=2), setting.device)
    if wrong := [name for name, tolerance in TOLERANCE.items() if not found.get(name, 0.0) <= tolerance]:
        raise Failed(f"{' and '.join(wrong)} differ from the CPU's by more than {TOLERANCE}: {found}")
    return found


def speed(setting: Setting) -> Row:
    """Views per second: a complete step, the step without making views, both in full float32, and lightly's loop."""
    config, seconds = setting.large(), 0.2 if setting.quick else 8.0
    images = load_images(config.data, Path("unused"))[0]
    best = devices.pick(setting.device, "resnet")
    engine, full = Trainer(config, images, best), Trainer(config, images, plain(best, setting.device))
    batch, count = engine.batch(1), 2 * config.batch_size
    works: dict[str, Callable[[], Any]] = {
        "engine": engine.update,
        "bare": lambda: engine.learn([batch]),
        "float32": full.update,
    }
    lightly = _lightly(config, images, setting)
    if not isinstance(lightly, str):
        works["lightly"] = lightly
    rates = {name: round(count * each) for name, each in _rates(works, seconds, setting).items()}
    found: Row = {"views_per_second": rates, "best": best.describe(), "engine_over_bare": rates["engine"] / rates["bare"]}
    found |= {"best_over_float32": rates["engine"] / rates["float32"]}
    return found | ({"lightly": lightly} if isinstance(lightly, str) else {"engine_over_lightly": rates["engine"] / rates["lightly"]})


def graphs(setting: Setting) -> Row:
    """The gain of one CUDA graph of loss and gradient for a small network, whose time is mostly spent launching kernels."""
    config = setting.config("simclr", network="resnet-tiny", batch_size=32 if setting.quick else 128)
    trainer = Trainer(config, load_images(config.data, Path("unused"))[0], devices.pick(setting.device, "resnet"))
    batch, generator = trainer.batch(1), seeded_generator(0, "bench", 0, trainer.device.device)
    weights = list(trainer.method.parameters())

    def gradient() -> None:
        with torch.autocast(setting.device, torch.bfloat16, enabled=trainer.device.autocast_dtype is not None, cache_enabled=False):
            loss = trainer.method.loss(batch, generator)["loss"]
        loss.backward()
        torch._foreach_zero_([each.grad for each in weights if each.grad is not None])

    works = {"eager": gradient}
    if setting.device == "cuda":
        works["graph"] = _captured(gradient)
    rates = _rates(works, 0.2 if setting.quick else 3.0, setting)
    if "graph" not in rates:
        raise Absent(f"a CPU has no CUDA graphs; without one: {rates['eager']:.1f} steps/s")
    return {"steps_per_second": rates, "graph_over_eager": rates["graph"] / rates["eager"]}


def cifar10(setting: Setting) -> Row:
    """The time until k-NN accuracy on CIFAR-10 reaches the goal. Raises Absent if CIFAR-10 is not available."""
    from playground.bench.photos import read, seconds_to

    if setting.data is None:
        raise Absent("no folder with CIFAR-10 was given: --data FOLDER, which holds cifar-10-batches-py")
    try:
        images, test = read(setting.data)
    except (OSError, ValueError) as reason:
        raise Absent(str(reason)) from None
    config = setting.large(**{"augment.crop_scale_min": 0.2})
    device = devices.pick(setting.device, "resnet")
    return seconds_to(GOAL, config, images, test, device, setting.left(10 if setting.quick else LIMIT))


def _lightly(config: RunConfig, images: Images, setting: Setting) -> Callable[[], Any] | str:
    if missing := [each for each in ("lightly", "torchvision", "rich") if importlib.util.find_spec(each) is None]:
        return f"absent: {', '.join(missing)} must be installed to be measured, got none"
    from playground.bench.peers import lightly_loop

    return lightly_loop(config, images, plain(devices.pick(setting.device, "resnet"), setting.device))


def _rates(works: dict[str, Callable[[], Any]], seconds: float, setting: Setting) -> dict[str, float]:
    """How often each is done per second, measured in turn: the median of the rounds."""
    settle = torch.cuda.synchronize if setting.device == "cuda" else (lambda: None)
    turns: dict[str, list[float]] = {name: [] for name in works}
    for number in range(ROUNDS + 1):
        for name, work in works.items():
            settle()
            begun, times, end = time.perf_counter(), 0, seconds / ROUNDS if number else 0.0
            while not times or time.perf_counter() - begun < end:
                for _ in range(1 if setting.quick else 5):
                    work()
                    times += 1
                settle()  # all work on the device is done now
            turns[name].append(times / (time.perf_counter() - begun))
    return {name: statistics.median(each[1:]) for name, each in turns.items()}  # the first round was to warm up


def _captured(work: Callable[[], None]) -> Callable[[], None]:
    """The work as one CUDA graph, after a few rounds on a separate stream, as torch requires."""
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            work()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        work()
    return graph.replay


def run(setting: Setting, json_file: Path | None = None) -> list[Row]:
    """Prints a line for every part, and writes all of them as JSON after each part, so that results are kept in any case.

    Raises Unwritten at the end if the last write failed: every part is measured and printed before.
    """
    rows: list[Row] = []
    trouble: Unwritten | None = None
    for each in measure(setting if setting.quick else replace(setting, ends=time.monotonic() + LIMIT)):
        rows.append(each)
        values = {name: value for name, value in each.items() if name not in ("part", "status", "seconds")}
        print(f"{each['part']:24} {each['status']:7} {each['seconds']:7.2f} s  {json.dumps(values)}", flush=True)
        try:
            write(json_file, {"setting": {"device": setting.device, "quick": setting.quick}, "rows": rows})
            trouble = None
        except Unwritten as error:
            trouble = error
    if trouble:
        raise trouble
    return rows


def main() -> None:
    """`python -m playground.bench.gpu`; exits with 1 if a part has failed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--quick", action="store_true", help="tiny networks and few steps, as a test")
    parser.add_argument("--data", type=Path, help="the folder with cifar-10-batches-py")
    parser.add_argument("--methods", help="only these, separated by commas")
    parser.add_argument("--json", type=Path, help="also write all rows to this file")
    given = parser.parse_args()
    chosen = given.methods.split(",") if given.methods else list(METHODS)
    if unknown := [each for each in chosen if each not in METHODS]:
        parser.error(f"--methods must be some of {', '.join(METHODS)}, got {', '.join(unknown)}")
    with tempfile.TemporaryDirectory() as home:
        os.environ.setdefault(
            "SSL_PLAYGROUND_HOME", home
        )  # nothing is stored permanently; platformdirs, which finds the user's folder, may be missing
        try:
            rows = run(Setting(given.device, given.quick, given.data, chosen), given.json)
        except Unwritten as error:
            sys.exit(str(error))
    sys.exit(any(each["status"] == "failed" for each in rows))


if __name__ == "__main__":
    main()
