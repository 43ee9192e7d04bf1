"""The speed of a training alone and next to busy programs, and the time until it shows something.

    python -m playground.bench.neighbors THREADS POLITELY

is one contender, a separate process with its own threads: for each line on its input it trains for this number of seconds and prints
its views per second. Waiting contenders compute nothing, so they can be measured in turn next to the same busy programs.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any

from playground.config import RunConfig
from playground.metric_names import metric

NEIGHBORS = (0, 1, 2)
NOTICING = (2.5, 1.0, 1.0)  # seconds before each measurement, in which the core-sharing contender detects other programs
LEARNED = 0.80  # k-NN accuracy of the factor that the dataset is about
BUSY = "import os\nos.sched_setaffinity(0, range(os.cpu_count()))\nwhile True: pass"
Result = dict[str, Any]


def rows(seconds: float, turns: int, seeds: int) -> Iterator[tuple[str, Result]]:
    """Rows of the bench.

    seconds: for each contender beside each number of neighbors, cut into turns; seeds: trainings until something is learned.
    """
    with _pool() as pool:
        with _racing() as contenders:
            _until_warm(pool)  # while they start
            yield from _paces(contenders, seconds, turns)
        for neighbors in NEIGHBORS[:2]:
            with busy(neighbors):
                yield f"insight_seconds_{_beside(neighbors)}", insight(seeds)
                yield f"first_point_seconds_{_beside(neighbors)}", first_point(pool, seeds)


def _paces(contenders: dict[str, _Contender], seconds: float, turns: int) -> Iterator[tuple[str, Result]]:
    for neighbors, noticing in zip(NEIGHBORS, NOTICING, strict=True):
        with busy(neighbors):
            contenders["polite"].pace(noticing)
            rivals = ("polite", "one_thread") if neighbors else ("polite", "one_thread", "all_threads")
            found = {name: contenders[name] for name in rivals}
            yield f"threads_{_beside(neighbors)}", _compared(found, seconds, turns)
    yield "threads_beside_a_training", _side_by_side(contenders, seconds, turns)


@contextmanager
def _racing() -> Iterator[dict[str, _Contender]]:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    who = {"polite": (cores, True), "one_thread": (1, False), "all_threads": (cores, False), "another": (cores, True)}
    with ExitStack() as stack:
        found = {}
        for name, each in who.items():
            found[name] = stack.enter_context(_Contender(*each))
            if name == "polite":
                found[name].pace(0)  # its device trial runs while no other program is busy
        for contender in found.values():
            contender.pace(0)  # one that is still starting is a busy program for the others
        yield found


def _side_by_side(contenders: dict[str, _Contender], seconds: float, turns: int) -> Result:
    """The slower of two core-sharing contenders that train at once, compared with one thread alone."""
    two, alone = [contenders["polite"], contenders["another"]], contenders["one_thread"]
    _together(two, NOTICING[0])
    found = [(min(_together(two, seconds / turns)), alone.pace(seconds / turns)) for _ in range(turns)]
    slower, one = (statistics.median(paces) for paces in zip(*found, strict=True))
    ratios = [pace / other for pace, other in found]
    paces = {"slower_of_two": slower, "one_thread": one}
    return {"ratio": slower / one, "lowest": min(ratios), "highest": max(ratios), **paces, "unit": "views/s"}


def _together(contenders: Sequence[_Contender], seconds: float) -> list[float]:
    for each in contenders:
        each.begin(seconds)
    return [each.done() for each in contenders]


def _compared(contenders: dict[str, _Contender], seconds: float, turns: int) -> Result:
    """The core-sharing contender compared with the best of the others: ratio of medians, and the lowest and highest of single turns."""
    found = [{name: each.pace(seconds / turns) for name, each in contenders.items()} for _ in range(turns)]
    paces = {name: statistics.median(turn[name] for turn in found) for name in contenders}
    best = max((name for name in paces if name != "polite"), key=lambda name: paces[name])
    ratios = [turn["polite"] / turn[best] for turn in found]
    return {"ratio": paces["polite"] / paces[best], "lowest": min(ratios), "highest": max(ratios), **paces, "unit": "views/s"}


def _beside(neighbors: int) -> str:
    return f"beside_{neighbors}" if neighbors else "alone"


@contextmanager
def busy(neighbors: int) -> Iterator[None]:
    """This number of processes that compute without pause, on any free core."""
    program = BUSY if hasattr(os, "sched_setaffinity") else "while True: pass"
    processes = [subprocess.Popen([sys.executable, "-c", program]) for _ in range(neighbors)]
    try:
        yield
    finally:
        for each in processes:
            each.kill()
            each.wait()


def insight(seeds: int) -> Result:
    """Seconds from the first event of the default run until k-NN accuracy is reached, without import and download."""
    from playground.machine.core_sharing import share_cores
    from playground.machine.memory import keep_memory

    share_cores()  # as workers and `train` do
    keep_memory()
    found = [_learned(seed) for seed in range(seeds)]
    return _spread(found)


def _learned(seed: int) -> float:
    from playground.events import Metrics, Started
    from playground.training.run import train

    begun = name = None
    for event in train(RunConfig(seed=seed)):
        match event:
            case Started(_, facts):
                begun, name = time.monotonic(), metric("knn", facts["about"])
            case Metrics(_, values) if name and begun and values.get(name, 0) >= LEARNED:
                return time.monotonic() - begun
    return float("inf")


def first_point(pool: Any, starts: int) -> Result:
    """Seconds from Start, given to a pool with a warm worker, to the first loss that a page can read."""
    _until_warm(pool)
    return _spread([_first_point(pool, seed) for seed in range(starts)])


@contextmanager
def _pool() -> Iterator[Any]:
    from playground.runs.pool import Pool

    with tempfile.TemporaryDirectory() as home:
        pool = Pool(Path(home))
        try:
            yield pool
        finally:
            pool.close()


def _until_warm(pool: Any) -> None:
    while not all(each["warm"] for each in pool.health()["workers"]):
        time.sleep(0.1)


def _first_point(pool: Any, seed: int) -> float:
    begun = time.monotonic()
    run = pool.submit(RunConfig(seed=seed))
    while not any(entry.step for entry in pool.store.newest(run, "metrics", 2)):
        time.sleep(0.01)
    seconds = time.monotonic() - begun
    pool.stop(run)
    while not pool.store.run(run).over:
        time.sleep(0.05)
    return seconds


def _spread(found: Sequence[float]) -> Result:
    return {"ratio": None, "mean": statistics.fmean(found), "lowest": min(found), "highest": max(found), "runs": len(found), "unit": "s"}


class _Contender:
    """One training process that trains on request."""

    def __init__(self, threads: int, politely: bool) -> None:
        command = [sys.executable, "-m", "playground.bench.neighbors", str(threads), str(int(politely))]
        environment = os.environ | {"OMP_NUM_THREADS": str(threads)}
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)

    def pace(self, seconds: float) -> float:
        """Views per second over a number of seconds."""
        self.begin(seconds)
        return self.done()

    def begin(self, seconds: float) -> None:
        """Starts to train for a number of seconds."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{seconds}\n")
        self._process.stdin.flush()

    def done(self) -> float:
        """Views per second, once the time is over."""
        assert self._process.stdout is not None
        return float(self._process.stdout.readline())

    def __enter__(self) -> _Contender:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()


def contend(threads: int, politely: bool, requests: IO[str], replies: IO[str]) -> None:
    """The work of a contender."""
    import torch

    from playground.datasets import load_images
    from playground.home import home
    from playground.machine.core_sharing import computing_on, share_cores
    from playground.machine.devices import pick
    from playground.machine.memory import keep_memory
    from playground.training.device_trial import chosen
    from playground.training.trainer import Trainer

    torch.set_num_threads(threads)
    keep_memory()
    config = RunConfig()
    trainer = Trainer(config, load_images(config.data, None)[0], pick(config.device.name, config.network.choice.family))
    trainer.compute_as(chosen(trainer, home()))
    if politely:
        torch.set_num_threads(trainer.device.threads or threads)
        share_cores()
        computing_on(trainer.device.threads)
    for line in requests:
        trainer.update()  # its threads wake up
        begun, steps = time.perf_counter(), 0
        while time.perf_counter() - begun < float(line):
            trainer.update()
            steps += 1
        print(steps * config.batch_size * trainer.method.views / (time.perf_counter() - begun), file=replies, flush=True)


if __name__ == "__main__":
    contend(int(sys.argv[1]), sys.argv[2] == "1", sys.stdin, sys.stdout)
