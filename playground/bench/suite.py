"""Speed, as ratios between contenders measured in turn in one run, because absolute times change with the state of the machine.

Contenders work in short turns, one after the other, and the median rate of each counts: a slow minute affects all of them equally.
"""

from __future__ import annotations

import itertools
import platform
import statistics
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from rich.table import Table

from playground import projection
from playground.bench import first_load as bench_first_load
from playground.bench import neighbors as bench_neighbors
from playground.bench import points as bench_points
from playground.bench.memory import memory
from playground.bench.peers import Work, clusters, kornia, lightly_loop, plain_fit, torchvision
from playground.config import RunConfig
from playground.datasets import load_images
from playground.events import Finished
from playground.home import fresh_home
from playground.machine.devices import Device, pick
from playground.machine.memory import keep_memory
from playground.randomness import seeded_generator
from playground.results import table
from playground.training.device_trial import machine
from playground.training.run import train
from playground.training.trainer import Trainer
from playground.views.augment import augment

TOO_LONG = "not with --quick: torch.compile takes half a minute"
VISITS = "not with --quick: visits take more than a minute"

Result = dict[str, Any]


@dataclass(frozen=True)
class Effort:
    """The amount of repetition."""

    seconds: float = 8.0  # for each contender
    turns: int = 5  # that they are cut into
    seeds: int = 5  # trainings: until something is learned, and those whose diagnostics are timed
    share_steps: int = 120  # of the latter
    compiled: bool = True  # whether torch.compile is tried, which may take half a minute
    visits: int = 2  # of a browser that was never here


# With fewer steps the first and the last measurement, which are always made, would be most of the share.
QUICK = Effort(seconds=0.6, turns=1, seeds=1, share_steps=60, compiled=False, visits=0)


def measure(effort: Effort) -> Iterator[tuple[str, Result]]:
    """All rows by name: `ratio` and the numbers behind it, `runs`, the number of measurements, and `took`, in seconds.

    If one measurement gives several rows, the first one has its time. Settings stored in the user's home folder are not used.
    """
    begun = time.monotonic()
    with fresh_home():
        for name, row in _rows(effort):
            yield name, {"runs": effort.turns} | row | {"took": time.monotonic() - begun}
            begun = time.monotonic()


def _rows(effort: Effort) -> Iterator[tuple[str, Result]]:
    keep_memory()  # as workers and `train` do; each contender has the same
    config = RunConfig()
    device = pick(config.device.name, config.network.choice.family)
    images = load_images(config.data, None)[0]
    trainer = Trainer(config, images, device)
    yield from _step_rows(trainer, effort)
    augmenting = rates({"ours": _our_views(trainer), "kornia": kornia(trainer), "torchvision": torchvision(trainer)}, effort)
    yield "augment_over_kornia", ratio(augmenting, "ours", "kornia", "views/s")
    yield "augment_over_torchvision", ratio(augmenting, "ours", "torchvision", "views/s")
    yield "diagnostics_share", _diagnostics_share(effort.share_steps, effort.seeds)
    with ThreadPoolExecutor(1) as aside:  # neither how long a server takes to be warm nor UMAP's compilation is measured
        serving = aside.submit(memory)
        mapping: dict[str, Work | str] = {"warm": _warm_frame(), "plain": plain_fit()}
    yield "memory", serving.result() | {"runs": 1}
    yield "umap_over_plain", ratio(rates(mapping, effort, ready=True), "warm", "plain", "frames/s")
    yield from bench_neighbors.rows(effort.seconds, effort.turns, effort.seeds)
    yield from bench_points.rows(effort.seconds)
    if effort.visits:
        yield from bench_first_load.rows(effort.visits)
    else:
        yield from ((name, {"ratio": None, "absent": VISITS, "unit": "", "runs": 0}) for name in bench_first_load.ROWS)


def facts() -> dict[str, Any]:
    """Facts about this machine: results of different machines must not be mixed."""
    flags = torch.backends.cpu.get_cpu_capability()
    amx = bool(getattr(torch.cpu, "_is_amx_tile_supported", lambda: False)())
    return {
        "machine": machine(pick("cpu", "resnet")),
        "instructions": flags,
        "amx": amx,
        "gpu": torch.cuda.get_device_name(0) if torch.cuda.is_available() else None,
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "python": platform.python_version(),
    }


def _step_rows(trainer: Trainer, effort: Effort) -> Iterator[tuple[str, Result]]:
    """A step compared with its bare loop, with lightly, and with itself in the other precision and memory format."""
    config, images, device = trainer.config, trainer.images, trainer.device
    batch = trainer.batch(1)
    count = config.batch_size * len(batch.views)

    def steps(how: Device) -> Work:
        other = Trainer(config, images, how)
        return lambda: len(other.update()) and count

    contenders: dict[str, Work | str] = {
        "engine": lambda: len(trainer.update()) and count,
        "bare": lambda: len(trainer.learn([batch])) and count,
        "lightly": lightly_loop(config, images, Device(device.device, None, torch.contiguous_format)),
        "contiguous": steps(replace(device, memory_format=torch.contiguous_format)),
        "bfloat16": steps(replace(device, autocast_dtype=torch.bfloat16)),
    }
    begun = time.perf_counter()
    contenders["compiled"] = _compiled(Trainer(config, images, device), count) if effort.compiled else TOO_LONG
    compiling = time.perf_counter() - begun
    speed = rates(contenders, effort)
    yield "engine_over_bare", ratio(speed, "engine", "bare", "views/s")
    yield "engine_over_lightly", ratio(speed, "engine", "lightly", "views/s")
    yield "channels_last_over_contiguous", ratio(speed, "engine", "contiguous", "views/s")
    yield "float32_over_bfloat16", ratio(speed, "engine", "bfloat16", "views/s")
    yield "compiled_over_engine", ratio(speed, "compiled", "engine", "views/s") | ({"compiling": compiling} if effort.compiled else {})


def _compiled(trainer: Trainer, count: int) -> Work | str:
    """Steps of a trainer whose backbone torch has compiled, or why it could not."""
    trainer.method.backbone.compile()
    try:
        trainer.update()
    except Exception as error:  # torch's compiler needs one for C++, and fails in many ways without
        return f"torch.compile failed: {type(error).__name__}"
    return lambda: len(trainer.update()) and count


def rates(contenders: dict[str, Work | str], effort: Effort, ready: bool = False) -> dict[str, list[float] | str]:
    """Units per second of every available contender, in each of its turns; missing contenders keep their explanation.

    ready: contenders have worked once before; otherwise they do so first.
    """
    here = {name: work for name, work in contenders.items() if not isinstance(work, str)}
    for work in here.values() if not ready else ():
        work()
    turns: dict[str, list[float]] = {name: [] for name in here}
    for _ in range(effort.turns):
        for name, work in here.items():
            turns[name].append(_rate(work, effort.seconds / effort.turns))
    return {name: turns[name] if name in here else str(contenders[name]) for name in contenders}


def ratio(found: dict[str, list[float] | str], ours: str, theirs: str, unit: str) -> Result:
    """{"ratio", "lowest", "highest", ours, theirs, "unit"}: of medians, and of single turns; or {"ratio": None, "absent": why}."""
    here = {name: each for name in (ours, theirs) if not isinstance(each := found[name], str)}
    middle = {name: statistics.median(each) for name, each in here.items()}
    if absent := next((each for each in (found[theirs], found[ours]) if isinstance(each, str)), ""):
        return {"ratio": None, "absent": absent, **middle, "unit": unit}
    turns = [mine / other for mine, other in zip(here[ours], here[theirs], strict=True)]
    return {"ratio": middle[ours] / middle[theirs], "lowest": min(turns), "highest": max(turns), **middle, "unit": unit}


def as_table(results: dict[str, Result]) -> Table:
    """The results as a table."""
    shown = table("what", "ratio", "made of", "runs", "took")
    for name, result in results.items():
        apart = ("ratio", "took") if result["ratio"] is None else ("ratio", "took", "lowest", "highest")
        parts = [f"{key} {value:,.4g}" for key, value in result.items() if isinstance(value, float) and key not in apart]
        made_of = f"{' / '.join(parts)} {result['unit']}" if "absent" not in result else result["absent"]
        shown.add_row(name, _compared(result), made_of, str(result["runs"]), f"{result['took']:.0f} s")
    return shown


def _compared(result: Result) -> str:
    """`2.4 (2.3 to 2.6)`: of all turns, and of single ones"""
    if result["ratio"] is None:
        return "-"
    turns = f" ({result['lowest']:.3g} to {result['highest']:.3g})" if "lowest" in result else ""
    return f"{result['ratio']:.3g}{turns}"


def _rate(work: Work, seconds: float) -> float:
    begun, units = time.perf_counter(), 0
    while True:
        units += work()
        elapsed = time.perf_counter() - begun
        if elapsed >= seconds:
            return units / elapsed


def _our_views(trainer: Trainer) -> Work:
    pixels, counter = trainer.images.pixels[:512], itertools.count()
    return lambda: len(augment(pixels, trainer.config.augment, seeded_generator(0, "bench", next(counter), pixels.device)))


def _warm_frame() -> Work:
    features = clusters()
    layouts: list[np.ndarray] = [projection.umap_layout(features)]

    def frame() -> int:
        layouts[0] = projection.umap_layout(features, layouts[0])
        return 1

    return frame


def _diagnostics_share(steps: int, seeds: int) -> Result:
    """The share of a SimCLR run's training time that its diagnostics take: the mean of so many runs."""
    shares, measuring, training = [], [], []
    for seed in range(seeds):
        *_, last = train(RunConfig(steps=steps, seed=seed))
        facts = last.facts if isinstance(last, Finished) else {}
        shares.append(facts["diagnostics_share"])
        training.append(facts["seconds"] / (1 + shares[-1]))
        measuring.append(facts["seconds"] - training[-1])
    made_of = {"diagnostics": statistics.fmean(measuring), "training": statistics.fmean(training), "unit": "s"}
    return {"ratio": statistics.fmean(shares), "lowest": min(shares), "highest": max(shares), **made_of, "steps": steps, "runs": seeds}
