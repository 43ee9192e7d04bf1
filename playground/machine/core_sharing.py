"""Sharing cores with other processes: the threads of a training use all cores while these are free, and otherwise share one core.

Two OpenMP threads wait for each other hundreds of times in a step, and spin while they wait. Another process that takes the core of
one of them for a few milliseconds stops both: such a training loses up to nine tenths of its speed, and the other process becomes
slower as well. Fewer threads would add numbers in another order and change the results of the run. So the threads stay and share one
core: then they take turns instead of waiting for each other. The computation does not change. If another process also uses that core
and a different core has more free time, for example after two trainings chose the same one, the threads move there.

Linux only, because a process can choose its cores there. On other systems `share_cores` does nothing, and processes start with
`WAITING` in their environment: waiting threads give up their core, so that a training next to a busy process does not become 50 times
slower.
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

PERIOD = 0.2  # seconds between two checks
CROWDED = 0.3  # share of the time that our threads waited for a core: above it another process needs the same cores
FREE = 0.85  # share of the time that a core must have been idle before the threads spread to it again,
CALM = 1.0  # over this many seconds; doubled if another process soon needs the core again,
CALM_MAX = 8.0  # up to this many seconds
SQUEEZED = 0.2  # share of the time of our one core that others used: above it we look for another core,
MOMENT = 0.5  # with this many seconds between two checks
TASKS, CORES = Path("/proc/self/task"), Path("/proc/stat")
TICK = 1 / os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 0.01  # seconds, the unit of /proc/stat

WAITING = {} if hasattr(os, "sched_setaffinity") else {"OMP_WAIT_POLICY": "PASSIVE", "KMP_BLOCKTIME": "0"}

_sharing: CoreSharing | None = None


def share_cores() -> None:
    """Starts to watch the cores of this process, once in its lifetime. Does nothing on systems without this feature."""
    global _sharing
    if _sharing is None and hasattr(os, "sched_setaffinity") and len(os.sched_getaffinity(0)) > 1 and CORES.exists():
        _sharing = CoreSharing(os.sched_getaffinity(0))
        threading.Thread(target=_sharing.watch, name="cores").start()


def computing_on(threads: int) -> None:
    """Sets how many threads compute from now on. A single thread waits for no other, so the kernel alone chooses its core."""
    if _sharing is not None:
        _sharing.several = threads != 1


@contextmanager
def together() -> Iterator[bool]:
    """Inside, all threads of this process share one core, as next to a busy process. Yields whether they do."""
    cores = os.sched_getaffinity(0) if hasattr(os, "sched_setaffinity") and CORES.exists() else ()
    sharing = _sharing or (CoreSharing(cores) if len(cores) > 1 else None)
    if sharing is None:
        yield len(cores) == 1
        return
    with sharing.gathered():
        yield True


class CoreSharing:
    """The cores that this process may use, and those that it uses now."""

    def __init__(self, cores: Collection[int]) -> None:
        self.cores = sorted(cores)
        self.several = True  # several threads compute and wait for each other
        self.alone = True  # no other process seems to need our cores
        self._core = self.cores[os.getpid() % len(self.cores)]  # the core to share; consecutive workers get different ones
        self._random = random.Random(os.getpid())
        self._moment: tuple[float, dict[int, float], float] = (
            0.0,
            {},
            0.0,
        )  # time of the last check for a better core, and the counters then
        self._calm, self._spread_at = CALM, -math.inf
        self._waited, self._idle, self._looked = waited(), idle(self.cores), time.monotonic()
        self._crowd: _Crowd | None = None
        self._lock = threading.Lock()

    def watch(self) -> None:
        """Checks periodically until the main thread has ended.

        Python waits for this thread and the crowd before it exits. A daemon thread inside torch at that moment would be killed, and C++
        would abort the process: the exit code would be lost.
        """
        main = threading.main_thread()
        while main.is_alive():
            with self._lock:
                self.look()
            main.join(PERIOD)
        if self._crowd is not None:
            self._crowd.leave()

    def look(self) -> None:
        """Compares the kernel's counters with those of the last check, and gathers the threads on one core or spreads them."""
        now = time.monotonic()
        if not self.several:
            if not self.alone:
                self._spread(now)
            self._waited, self._looked = waited(), now
        elif self.alone:
            delay, seconds = waited() - self._waited, now - self._looked
            self._waited, self._looked = self._waited + delay, now
            if delay > CROWDED * seconds:
                self._gather(now)
        elif now - self._moment[0] > MOMENT and self._squeezed(now):
            self._looked, self._idle = now, idle(self.cores)  # a core that another training is about to take is not free
        elif now - self._looked > self._calm:  # the kernel counts idle time in ticks, so short periods are not informative
            rest, before, seconds = idle(self.cores), self._idle, now - self._looked
            self._idle, self._looked = rest, now
            if all(rest[core] - before[core] > FREE * seconds for core in self.cores if core != self._core):
                self._spread(now)

    def _squeezed(self, now: float) -> bool:
        """Whether others use our core and a different core has more free time. We then move with probability 1/2: if two trainings both
        moved, they would share a core again."""
        (begun, before, ours), rest, done = self._moment, idle(self.cores), computed()
        self._moment = (now, rest, done)
        room = {core: rest[core] - before[core] for core in self.cores}
        ours, best = done - ours, max((core for core in self.cores if core != self._core), key=lambda core: room[core])
        others = now - begun - room[self._core] - ours
        if others < SQUEEZED * (now - begun) or room[best] < ours:
            return False
        if self._random.random() < 0.5:
            self._core = best
            take([best])
        return True

    @contextmanager
    def gathered(self) -> Iterator[None]:
        """Gathers the threads on one core; afterwards the previous state is restored."""
        with self._lock:
            if not self.alone:
                yield
                return
            calm = self._calm, self._spread_at
            self._gather(time.monotonic())
            assert self._crowd is not None
            self._crowd.there.wait(CALM_MAX)
            try:
                yield
            finally:
                self._spread(time.monotonic())
                self._looked, (self._calm, self._spread_at) = time.monotonic(), calm

    def _gather(self, now: float) -> None:
        self._calm = min(2 * self._calm, CALM_MAX) if now - self._spread_at < 2 * self._calm else CALM
        self.alone, self._idle, self._crowd = False, idle(self.cores), _Crowd(len(self.cores))
        self._moment = (now, self._idle, computed())
        take([self._core])

    def _spread(self, now: float) -> None:
        self.alone, self._spread_at, self._waited = True, now, waited()
        if self._crowd is not None:
            self._crowd.leave()
        take(self.cores)


class _Crowd:
    """An idle team of OpenMP threads. It gives GNU's OpenMP more threads than cores, and then waiting threads do not spin.

    OpenMP decides this at every wait by counting the threads of all teams; a running program cannot set it in another way.
    """

    def __init__(self, threads: int) -> None:
        self.there, self._over = threading.Event(), threading.Event()
        threading.Thread(target=self._wait, args=[threads], name="crowd").start()

    def leave(self) -> None:
        """Ends the team."""
        self._over.set()

    def _wait(self, threads: int) -> None:
        import torch

        if set_threads := _openmp():
            set_threads(threads + 1)  # of the team of this thread
            torch.ones(1 << 17).add_(1)  # large enough to be computed by a team, which is thereby created
        self.there.set()
        self._over.wait()


def _openmp() -> Callable[[int], None] | None:
    """`omp_set_num_threads` of torch's OpenMP, which applies only to the calling thread; None if there is none."""
    with suppress(OSError, AttributeError):
        function: Callable[[int], None] = ctypes.CDLL(None).omp_set_num_threads
        return function
    return None


def take(cores: Collection[int]) -> None:
    """Restricts all threads of this process to these cores."""
    for task in os.listdir(TASKS):
        with suppress(OSError):  # a thread may have ended in the meantime
            os.sched_setaffinity(int(task), cores)


def computed() -> float:
    """Seconds that the threads of this process have had a core, so far; 0 if the system does not count them."""
    return _counted(0)


def waited() -> float:
    """Seconds that the threads of this process have waited for a core, so far; 0 if the system does not count them."""
    return _counted(1)


def _counted(which: int) -> float:
    total = 0
    for task in os.listdir(TASKS) if TASKS.exists() else ():
        with suppress(OSError):
            total += int((TASKS / task / "schedstat").read_text().split()[which])
    return total / 1e9


def idle(cores: Collection[int]) -> dict[int, float]:
    """Seconds that each core has been idle, so far."""
    lines = (line.split() for line in CORES.read_text().splitlines() if line.startswith("cpu"))
    return {int(name[3:]): (int(rest[3]) + int(rest[4])) * TICK for name, *rest in lines if name[3:] and int(name[3:]) in cores}
