"""Cores are shared politely: a training computes on all of its threads while nobody else wants their cores, else on one core.

Two OpenMP threads wait for each other hundreds of times a step, and spin while they wait. A neighbor process that takes the core of one
of them for a few milliseconds stops both: such a training loses up to nine tenths of its pace, and its neighbor suffers as well. Fewer
threads would add up in another order and change the numbers of the run. So the threads stay and share one core: then they take turns
instead of waiting for each other. Nothing that is computed changes. Where somebody is on that core as well and another has more room, as
when two trainings have drawn together on the same one, they move there.

Linux only, where a process may choose its cores. Elsewhere `share_cores` does nothing, and processes start with `WAITING` in their
environment: threads that wait give up their core, and beside a busy neighbor a training keeps some of its pace instead of a fiftieth.
"""

from __future__ import annotations

import ctypes
import math
import os
import random
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PERIOD = 0.2  # seconds between two looks
CROWDED = 0.3  # seconds that our threads waited for a core, in each second: above it somebody else wants the same cores
FREE = 0.85  # of the time a core must have been idle for the training to spread to it again,
CALM = 1.0  # for so many seconds; a neighbor that comes back soon doubles them,
CALM_MOST = 8.0  # up to so many
SQUEEZED = 0.2  # of the time of our one core that others took: above it we look for another,
MOMENT = 0.5  # every so many seconds
TASKS, CORES = Path("/proc/self/task"), Path("/proc/stat")
TICK = 1 / os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 0.01  # seconds, the unit of /proc/stat

WAITING = {} if hasattr(os, "sched_setaffinity") else {"OMP_WAIT_POLICY": "PASSIVE", "KMP_BLOCKTIME": "0"}

_sharing: CoreSharing | None = None


def share_cores() -> None:
    """Begins to watch the cores of this process, once for its whole life. Does nothing where the system does not let it."""
    global _sharing
    if _sharing is None and hasattr(os, "sched_setaffinity") and len(os.sched_getaffinity(0)) > 1 and CORES.exists():
        _sharing = CoreSharing(os.sched_getaffinity(0))
        threading.Thread(target=_sharing.watch, name="cores").start()


def computing_on(threads: int) -> None:
    """Says how many threads compute from now on. A single one waits for nobody: it stays where the kernel puts it."""
    if _sharing is not None:
        _sharing.several = threads != 1


@contextmanager
def together() -> Iterator[bool]:
    """Inside, all threads of this process share one core, as beside a busy neighbor. Gives whether they do."""
    cores = os.sched_getaffinity(0) if hasattr(os, "sched_setaffinity") and CORES.exists() else ()
    sharing = _sharing or (CoreSharing(cores) if len(cores) > 1 else None)
    if sharing is None:
        yield len(cores) == 1
        return
    with sharing.drawn_together():
        yield True


class CoreSharing:
    """The cores that this process may use, and which of them it uses now."""

    def __init__(self, cores: Collection[int]) -> None:
        self.cores = sorted(cores)
        self.several = True  # threads compute, and wait for each other
        self.alone = True  # nobody else wants our cores, as far as we know
        self._core = self.cores[os.getpid() % len(self.cores)]  # the one to draw together on: workers are started one after the other
        self._dice = random.Random(os.getpid())
        self._moment: tuple[float, dict[int, float], float] = (0.0, {}, 0.0)  # when it looked for room, and what was counted then
        self._calm, self._spread_at = CALM, -math.inf
        self._waited, self._idle, self._looked = waited(), idle(self.cores), time.monotonic()
        self._crowd: _Crowd | None = None
        self._looking = threading.Lock()

    def watch(self) -> None:
        """Looks again and again, until the main thread has ended.

        Python waits for this thread and the crowd before it takes itself apart. A daemon that is within torch at that moment is ended by
        force, which C++ answers with an abort: the exit code would be lost.
        """
        main = threading.main_thread()
        while main.is_alive():
            with self._looking:
                self.look()
            main.join(PERIOD)
        if self._crowd is not None:
            self._crowd.leave()

    def look(self) -> None:
        """Compares what the kernel has counted since the last look, and draws together or spreads."""
        now = time.monotonic()
        if not self.several:
            if not self.alone:
                self._spread(now)
            self._waited, self._looked = waited(), now
        elif self.alone:
            delay, seconds = waited() - self._waited, now - self._looked
            self._waited, self._looked = self._waited + delay, now
            if delay > CROWDED * seconds:
                self._draw_together(now)
        elif now - self._moment[0] > MOMENT and self._squeezed(now):
            self._looked, self._idle = now, idle(self.cores)  # a core that one of two trainings is about to take is not free
        elif now - self._looked > self._calm:  # the kernel counts idle time in ticks: only a longer while says something
            rest, before, seconds = idle(self.cores), self._idle, now - self._looked
            self._idle, self._looked = rest, now
            if all(rest[core] - before[core] > FREE * seconds for core in self.cores if core != self._core):
                self._spread(now)

    def _squeezed(self, now: float) -> bool:
        """Whether others compute on our core and another has more room. Then we go there, or not: two who both went would meet again."""
        (begun, before, ours), rest, done = self._moment, idle(self.cores), computed()
        self._moment = (now, rest, done)
        room = {core: rest[core] - before[core] for core in self.cores}
        ours, best = done - ours, max((core for core in self.cores if core != self._core), key=lambda core: room[core])
        others = now - begun - room[self._core] - ours
        if others < SQUEEZED * (now - begun) or room[best] < ours:
            return False
        if self._dice.random() < 0.5:
            self._core = best
            take([best])
        return True

    @contextmanager
    def drawn_together(self) -> Iterator[None]:
        """Draws together on purpose; afterwards it is as it was."""
        with self._looking:
            if not self.alone:
                yield
                return
            calm = self._calm, self._spread_at
            self._draw_together(time.monotonic())
            assert self._crowd is not None
            self._crowd.there.wait(CALM_MOST)
            try:
                yield
            finally:
                self._spread(time.monotonic())
                self._looked, (self._calm, self._spread_at) = time.monotonic(), calm

    def _draw_together(self, now: float) -> None:
        self._calm = min(2 * self._calm, CALM_MOST) if now - self._spread_at < 2 * self._calm else CALM
        self.alone, self._idle, self._crowd = False, idle(self.cores), _Crowd(len(self.cores))
        self._moment = (now, self._idle, computed())
        take([self._core])

    def _spread(self, now: float) -> None:
        self.alone, self._spread_at, self._waited = True, now, waited()
        if self._crowd is not None:
            self._crowd.leave()
        take(self.cores)


class _Crowd:
    """An idle team of OpenMP threads, which makes GNU's OpenMP know that it has more threads than cores: then waiting threads do not spin.

    It decides that at every wait by counting the threads of all teams, and there is no other way to tell it while a program runs.
    """

    def __init__(self, threads: int) -> None:
        self.there, self._over = threading.Event(), threading.Event()
        threading.Thread(target=self._stand_by, args=[threads], name="crowd").start()

    def leave(self) -> None:
        """The team ends."""
        self._over.set()

    def _stand_by(self, threads: int) -> None:
        import torch

        if set_threads := _openmp():
            set_threads(threads + 1)  # of this thread's own team
            torch.ones(1 << 17).add_(1)  # large enough to be computed by a team, which is then there
        self.there.set()
        self._over.wait()


def _openmp() -> Callable[[int], None] | None:
    """`omp_set_num_threads` of the OpenMP that torch computes with, which holds for the calling thread alone; None where there is none."""
    with suppress(OSError, AttributeError):
        found: Callable[[int], None] = ctypes.CDLL(None).omp_set_num_threads
        return found
    return None


def take(cores: Collection[int]) -> None:
    """All threads of this process compute on these cores from now on."""
    for task in os.listdir(TASKS):
        with suppress(OSError):  # a thread may have ended meanwhile
            os.sched_setaffinity(int(task), cores)


def computed() -> float:
    """Seconds that the threads of this process have had a core, so far; 0 where the system does not count."""
    return _counted(0)


def waited() -> float:
    """Seconds that the threads of this process have been ready to compute and had no core, so far; 0 where the system does not count."""
    return _counted(1)


def _counted(which: int) -> float:
    total = 0
    for task in os.listdir(TASKS) if TASKS.exists() else ():
        with suppress(OSError):
            total += int((TASKS / task / "schedstat").read_text().split()[which])
    return total / 1e9


def idle(cores: Collection[int]) -> dict[int, float]:
    """Seconds that each core has had nothing to do, so far."""
    lines = (line.split() for line in CORES.read_text().splitlines() if line.startswith("cpu"))
    return {int(name[3:]): (int(rest[3]) + int(rest[4])) * TICK for name, *rest in lines if name[3:] and int(name[3:]) in cores}
