"""The pool: warm workers, and who gets one when.

Every worker has torch imported and its kernels warm before it is needed. Owners take turns. A paused run gives its worker up
when others wait, and goes on exactly from its checkpoint. A worker that dies takes its run's status with it, never the pool.
"""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from playground.config import RunConfig
from playground.events import Command, Resume, Stop
from playground.home import HomeError, keeping
from playground.home import home as default_home
from playground.projection import LayoutWorker
from playground.runs.evaluations import Evaluations
from playground.runs.failures import failures, no_worker
from playground.runs.layouts import Layouts
from playground.runs.lock import HomeLock
from playground.runs.moves import config_of, go_back, moves_of, require_own, require_unfinished
from playground.runs.owed import Owed
from playground.runs.process import WorkerProcess
from playground.runs.records import Run
from playground.runs.rescue import interrupt_abandoned, left_waiting, opened
from playground.runs.runner import PoolFull, RunError
from playground.runs.status import ACTIVE, Status
from playground.runs.waiting import Turn
from playground.runs.workers import IDLE, Workers

STOP_GRACE = 20.0  # seconds a run may take to end by itself once it was told to stop: steps of large networks are long
CLOSE_GRACE = 30.0


class Pool:
    """Workers on this machine: `slots` runs train at once. `projector` makes what lays out each snapshot as a map, if anything."""

    def __init__(
        self,
        home: Path,
        slots: int | None = None,
        *,
        warm: bool = True,
        queue_limit: int = 64,
        projector: Callable[[], LayoutWorker] | None = None,
    ) -> None:
        cores = os.cpu_count() or 1
        self.slots = slots or max(1, cores // 2)
        self.closed, self._queue_limit = False, queue_limit
        self._workers = Workers(home, self.slots, max(1, cores // self.slots), self._on_message, self._on_exit)
        with keeping(home):
            home.mkdir(parents=True, exist_ok=True)
        self._lock = HomeLock(home)
        try:
            self.store = opened(home)
            self._layouts = Layouts(self.store, projector)
        except BaseException:
            self._lock.release()
            raise
        self._owed, self.evaluations = Owed(self.store), Evaluations(self.store)
        self._queue, self._mutex, self._closing = left_waiting(self.store), threading.RLock(), threading.Event()
        if warm or self._queue:
            self._workers.fill()
        threading.Thread(target=self._watch_idle, name="idle workers", daemon=True).start()

    @property
    def projector(self) -> LayoutWorker | None:
        """What lays out snapshots, for those who look back at old ones."""
        return self._layouts.projector

    def submit(self, config: RunConfig, owner: str = "") -> str:
        """Queues a new run and returns its id. Raises `PoolFull`."""
        return self.submit_together([config], owner)[0]

    def submit_together(self, configs: Sequence[RunConfig], owner: str = "") -> list[str]:
        """Queues new runs that train in step, in one turn, and returns their ids. Raises `PoolFull`."""
        with self._mutex:
            self._require_room()
            first = self.store.create(configs[0], owner)
            runs = [first, *(self.store.create(config, owner, beside=first) for config in configs[1:])]
            self._queue.put(tuple(runs), owner)
            self._workers.fill()
            self._dispatch()
        return runs

    def command(self, run: str, command: Command) -> None:
        """Passes a command to a run. Raises `ConfigError` for a knob that cannot be, `RunError` where it makes no sense now."""
        require_own(run)
        if command.ends:
            return self.stop(run)
        command = command.checked(lambda: config_of(self.store, run))
        with self._mutex:
            worker = self._worker_of(run)
            if worker is not None:
                worker.say(command=command.to_message(), run=run)
            else:
                self._command_without_worker(run, command)

    def resume(self, *runs: str, moves: Mapping[str, Any] | None = None, step: int | None = None) -> None:
        """Goes on with a run that is paused, or from a checkpoint if it ended early; with several in step, but for those finished."""
        with self._mutex:
            going_on = [run for run in runs if not self.store.run(run).complete] or list(runs)
            idle = [run for run in going_on if self._worker_of(run) is None and run not in self._queue]
            moved = {run: moves_of(self.store, run, moves or {}) for run in going_on}
            for run in going_on:
                for command in (*moved[run], Resume()) if run not in idle else ():
                    self.command(run, command)
            require_unfinished(self.store, *idle)
            if not idle:
                return
            self._require_room()
            for run in idle:
                go_back(self.store, run, step)
                for command in moved[run]:
                    self.store.defer(run, command)
            self._requeue(tuple(idle))

    def stop(self, run: str) -> None:
        """Ends a run, wherever it is."""
        with self._mutex:
            worker = self._worker_of(run)
            if worker is None:
                self._queue.remove(run)
                self._owed.mark(run, Status.STOPPED, "stopped before it went on", among=(Status.QUEUED, Status.PAUSED))
                return
            worker.runs[run].stopping = True
            worker.say(command=Stop().to_message(), run=run)
            deadline = threading.Timer(STOP_GRACE, self._end_by_force, [worker, run])
            deadline.daemon = True
            deadline.start()

    def standing(self, run: str) -> Run:
        """A run as it stands, also where that could not be written down because the disk takes nothing. Raises `UnknownRun`."""
        found = self.store.run(run)
        why = next((each.held for each in self._workers.live(run) if each.held), "")
        waits = (Status.PAUSED, f"It waits for the disk and goes on by itself: {why}") if why else None
        status, message = self._owed.of(run) or waits or (found.status, found.message)
        return replace(found, status=status, message=message)

    def position(self, run: str) -> int | None:
        """1 for the run that is next, None for one that does not wait."""
        with self._mutex:
            order = self._queue.order()
        return next((place for place, turn in enumerate(order, 1) if run in turn), None)

    def health(self) -> dict[str, Any]:
        """What there is to say about the workers and the queue."""
        with self._mutex:
            maps = self.projector is not None and self.projector.ready
            return {"slots": self.slots, "queue": len(self._queue), "workers": self._workers.health(), "maps": maps}

    def expect(self) -> None:
        """Somebody is here and may start a run: workers that went because nobody was come back, those that are here stay."""
        with self._mutex:
            if not self.closed:
                self._workers.expect()

    def dismiss_idle(self, seconds: float = IDLE) -> None:
        """Ends the workers that have had nothing to do for so long; they come back when they are needed."""
        with self._mutex:
            self._workers.dismiss_idle(seconds)

    def close(self) -> None:
        """Marks every run as interrupted and closes everything."""
        with self._mutex:
            if self.closed:
                return
            self.closed = True
            self._closing.set()
            workers = list(self._workers)
        self.evaluations.close()
        for worker in workers:
            worker.hang_up()
        for worker in workers:
            worker.join(CLOSE_GRACE)
        self._layouts.close()
        with suppress(HomeError):  # the next server will see that nobody trains them
            interrupt_abandoned(self.store)
        self._owed.close()
        self.store.close()
        self._lock.release()

    def _watch_idle(self) -> None:
        while not self._closing.wait(IDLE / 10):
            self.dismiss_idle()

    def _dispatch(self) -> None:
        """Gives runs to workers that are free, then has paused runs make room for those that still wait."""
        for worker in self._workers:
            if worker.free:
                turn = self._queue.pop()
                if turn is None:
                    return
                worker.take(turn)
        self._workers.make_room(len(self._queue))

    def _worker_of(self, run: str) -> WorkerProcess | None:
        """Who trains the run and still listens for it: not a worker that has recorded its end."""
        worker = self._workers.of(run)
        return worker if worker is not None and not self.standing(run).over else None

    def _command_without_worker(self, run: str, command: Command) -> None:
        status = self.standing(run).status
        if not (command.starts or command.waits):
            if status != Status.PAUSED:
                raise RunError(f"run {run} is {status}: only a run that trains can be paused")
            return
        require_unfinished(self.store, run)
        starts = command.starts and status != Status.QUEUED
        if starts:
            self._require_room()
        if command.waits and starts == command.starts:
            self.store.defer(run, command)
        if starts:
            self._requeue((run,))

    def _requeue(self, turn: Turn) -> None:
        """Runs that go on from where they stand; they do not wait for what their owner has started since."""
        self._require_room()
        self._owed.settle()
        for run in turn:
            for each in self._workers.live(run):
                each.releasing = True
            self.store.mark(run, Status.QUEUED)
        self._queue.put(turn, self.store.run(turn[0]).owner, first=True)
        self._workers.fill()
        self._dispatch()

    def _require_room(self) -> None:
        if self.closed:
            raise PoolFull("the server is stopping: no more runs are taken in")
        if len(self._queue) >= self._queue_limit:
            raise PoolFull(f"the queue is full: {len(self._queue)} runs wait already; stop one of them or try again in a minute")

    def _on_message(self, worker: WorkerProcess, message: dict[str, Any]) -> None:
        if "news" in message:
            return self.store.notify(message["news"])
        if "snapshot" in message:
            return self._layouts.add(message["run"], message["snapshot"])
        with self._mutex:
            self._workers.note(worker, message)
            if "mark" in message:
                self._owed.mark(message["run"], *message["mark"])
            if not self.closed:
                self._dispatch()
        self.store.notify(message.get("run", ""))

    def _on_exit(self, worker: WorkerProcess, code: int) -> None:
        with self._mutex:
            if worker not in self._workers:  # it was dismissed
                return
            again = self._workers.lost(worker)
            if self.closed:
                return
            for run, (status, message) in failures(self.store, worker.runs, code).items():
                self._owed.mark(run, status, message, among=ACTIVE)
            if not again:
                return self._give_up(code)
            self._workers.fill()
            self._dispatch()

    def _give_up(self, code: int) -> None:
        """Workers that die before they are ready would be hired for ever."""
        while (turn := self._queue.pop()) is not None:
            for run in turn:
                self._owed.mark(run, Status.FAILED, no_worker(self.store.home, code))

    def _end_by_force(self, worker: WorkerProcess, run: str) -> None:
        with self._mutex:
            if run in worker.runs and worker.runs[run].stopping:
                worker.kill()


_shared: dict[Path, Pool] = {}
_sharing = threading.Lock()


def shared_pool() -> Pool:
    """The pool of this process and this home, made at the first call."""
    home = default_home()
    with _sharing:
        if home not in _shared or _shared[home].closed:
            if not _shared:
                atexit.register(close_shared_pools)
            _shared[home] = Pool(home, projector=LayoutWorker)
        return _shared[home]


def close_shared_pools() -> None:
    """Closes what `shared_pool` made."""
    with _sharing:
        pools = [_shared.pop(home) for home in list(_shared)]
    for pool in pools:
        pool.close()
