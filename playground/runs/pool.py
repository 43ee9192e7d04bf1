"""The pool: warm workers, and who gets one when.

Every worker has torch imported and its kernels warm before it is needed. Owners take turns. A paused run gives its worker up
when others wait, and goes on exactly from its checkpoint. A worker that dies takes its run's status with it, never the pool.
"""

from __future__ import annotations

import atexit
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from playground.config import RunConfig
from playground.events import Command, Pause, Resume, SetKnob, Stop, TakeStep
from playground.home import HomeError, keeping
from playground.home import home as default_home
from playground.runs.condition import resumes
from playground.runs.evaluations import Evaluations
from playground.runs.failures import failure
from playground.runs.layouts import Layouts
from playground.runs.lock import HomeLock
from playground.runs.messages import to_message
from playground.runs.moves import go_back, moves_of
from playground.runs.owed import Owed
from playground.runs.process import WorkerProcess, cause_of_death
from playground.runs.records import Run
from playground.runs.rescue import fill_in, rebuild, set_aside
from playground.runs.runner import PoolFull, RunError
from playground.runs.status import ACTIVE, STARTED, Status
from playground.runs.store import Store
from playground.runs.waiting import FairQueue, Turn

if TYPE_CHECKING:
    from playground.projection import LayoutWorker

# How long a run may take to end by itself once it was told to stop; a step of a large network on a slow machine is long.
STOP_GRACE = 20.0
CLOSE_GRACE = 30.0
IDLE = 600.0  # seconds without a run and without a visitor, after which a worker goes, and its memory with it
INTERRUPTED = "the server stopped while this run was in its hands; Resume goes on from its last checkpoint"


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
        self.closed = False
        self._threads = max(1, cores // self.slots)
        self._queue_limit = queue_limit
        with keeping(home):
            home.mkdir(parents=True, exist_ok=True)
        self._lock = HomeLock(home)
        try:
            self._open(home, projector)
        except BaseException:
            self._lock.release()
            raise
        if warm or self._queue:
            self._start_missing_workers()
        self._dismissed, self._closing = False, threading.Event()
        threading.Thread(target=self._watch_idle, name="idle workers", daemon=True).start()

    def _open(self, home: Path, projector: Callable[[], LayoutWorker] | None) -> None:
        aside = set_aside(home)
        self.store = Store(home)
        if aside or not self.store.counts():
            rebuild(self.store, aside)
        fill_in(self.store)
        self._owed = Owed(self.store)
        self._layouts = Layouts(self.store, projector)
        self.evaluations = Evaluations(self.store)
        self._queue = FairQueue()
        self._workers: list[WorkerProcess] = []
        self._false_starts = 0
        self._mutex = threading.RLock()
        self._recover()

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
            self._start_missing_workers()
            self._dispatch()
        return runs

    def command(self, run: str, command: Command) -> None:
        """Passes a command to a run. Raises `ConfigError` for a knob that cannot be, `RunError` where it makes no sense now."""
        if isinstance(command, Stop):
            return self.stop(run)
        if isinstance(command, SetKnob):
            command = moves_of(self.store, run, {command.name: command.value})[0]
        with self._mutex:
            worker = self._worker_of(run)
            if worker is not None:
                worker.say(command=to_message(command), run=run)
            else:
                self._command_without_worker(run, command)

    def resume(self, *runs: str, moves: Mapping[str, Any] | None = None, step: int | None = None) -> None:
        """Goes on with a run that is paused, or from a checkpoint if it ended early; with several in step, but for those finished."""
        with self._mutex:
            going_on = [run for run in runs if not self.store.run(run).complete] or list(runs)
            idle = [run for run in going_on if self._worker_of(run) is None and run not in self._queue]
            told: dict[str, list[Command]] = {run: [*moves_of(self.store, run, moves or {}), Resume()] for run in going_on}
            for run in going_on:
                for command in told[run] if run not in idle else ():
                    self.command(run, command)
            self._require_unfinished(*idle)
            if not idle:
                return
            self._require_room()
            for run in idle:
                go_back(self.store, run, step)
                for command in told[run][:-1]:
                    self.store.defer(run, *to_message(command))
            self._requeue(tuple(idle))

    def stop(self, run: str) -> None:
        """Ends a run, wherever it is."""
        with self._mutex:
            worker = self._worker_of(run)
            if worker is None:
                self._queue.remove(run)
                self._owed.mark(run, Status.STOPPED, "stopped before it went on", among=(Status.QUEUED, Status.PAUSED))
                return
            worker.stopping.add(run)
            worker.say(command=to_message(Stop()), run=run)
            deadline = threading.Timer(STOP_GRACE, self._end_by_force, [worker, run])
            deadline.daemon = True
            deadline.start()

    def standing(self, run: str) -> Run:
        """A run as it stands, also where that could not be written down because the disk takes nothing. Raises `UnknownRun`."""
        found = self.store.run(run)
        why = next((each.held[run] for each in list(self._workers) if each.held.get(run)), "")
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
            shown = ("pid", "ready", "warm", "runs", "paused")
            workers = [{name: getattr(each, name) for name in shown} for each in self._workers]
            maps = self.projector is not None and self.projector.ready
            return {"slots": self.slots, "queue": len(self._queue), "workers": workers, "maps": maps}

    def expect(self) -> None:
        """Somebody is here and may start a run: workers that went because nobody was come back, those that are here stay."""
        with self._mutex:
            if self._dismissed and not self.closed:
                self._start_missing_workers()
            self._dismissed = False
            for worker in self._workers:
                worker.idle_since = time.monotonic()

    def dismiss_idle(self, seconds: float = IDLE) -> None:
        """Ends the workers that have had nothing to do for so long; they come back when they are needed."""
        with self._mutex:
            for worker in [each for each in self._workers if each.free and time.monotonic() - each.idle_since >= seconds]:
                self._workers.remove(worker)
                worker.hang_up()
                self._dismissed = True

    def close(self) -> None:
        """Puts down every run as interrupted and lets go of everything."""
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
            self._interrupt_abandoned()
        self._owed.close()
        self.store.close()
        self._lock.release()

    def _recover(self) -> None:
        """What a server before this one left: its runs can be resumed, and those that waited wait again."""
        self._interrupt_abandoned()
        turns: dict[str, list[Run]] = {}
        for run in reversed(self.store.runs(limit=-1, statuses=(Status.QUEUED,))):
            turns.setdefault(run.beside or run.id, []).append(run)
        for turn in turns.values():
            self._queue.put(tuple(run.id for run in turn), turn[0].owner)

    def _interrupt_abandoned(self) -> None:
        for run in self.store.runs(limit=-1, statuses=STARTED):
            self.store.mark(run.id, Status.INTERRUPTED, INTERRUPTED, among=STARTED)

    def _watch_idle(self) -> None:
        while not self._closing.wait(IDLE / 10):
            self.dismiss_idle()

    def _start_missing_workers(self) -> None:
        """Hires until every slot has a worker."""
        while len(self._workers) < self.slots:
            worker = WorkerProcess(self.store.home, self._threads, self._on_message, self._on_exit)
            self._workers.append(worker)
            worker.listen()

    def _dispatch(self) -> None:
        """Gives runs to workers that are free, then asks paused runs to make room for those that still wait."""
        for worker in self._workers:
            if worker.free:
                turn = self._queue.pop()
                if turn is None:
                    return
                worker.take(turn)
        coming = sum(not each.ready or each.releasing_all for each in self._workers)
        for worker in [each for each in self._workers if each.paused and not each.releasing][: max(0, len(self._queue) - coming)]:
            worker.releasing.update(worker.runs)
            worker.say(leave=Status.PAUSED)

    def _worker_of(self, run: str) -> WorkerProcess | None:
        """Who has the run in hand and still listens: not a worker that is letting go of it, or has recorded its end."""
        worker = next((each for each in self._workers if run in each.runs and run not in each.releasing), None)
        return worker if worker is not None and not self.standing(run).over else None

    def _command_without_worker(self, run: str, command: Command) -> None:
        status = self.standing(run).status
        if isinstance(command, Pause):
            if status != Status.PAUSED:
                raise RunError(f"run {run} is {status}: only a run that trains can be paused")
            return
        self._require_unfinished(run)
        if isinstance(command, SetKnob):
            self.store.defer(run, *to_message(command))
        elif status != Status.QUEUED:
            self._require_room()
            if isinstance(command, TakeStep):
                self.store.defer(run, *to_message(command))
            self._requeue((run,))

    def _require_unfinished(self, *runs: str) -> None:
        for run in runs:
            if self.store.run(run).complete:
                raise RunError(f"run {run} is finished: start a new one, with more steps if it should go further")

    def _requeue(self, turn: Turn) -> None:
        """Runs that go on from where they stand; they do not wait for what their owner has started since."""
        self._require_room()
        self._owed.settle()
        for run in turn:
            for worker in self._workers:
                worker.releasing.update({run} & set(worker.runs))
            self.store.mark(run, Status.QUEUED)
        self._queue.put(turn, self.store.run(turn[0]).owner, first=True)
        self._start_missing_workers()
        self._dispatch()

    def _require_room(self) -> None:
        if self.closed:
            raise PoolFull("the server is stopping: no more runs are taken in")
        if len(self._queue) >= self._queue_limit:
            raise PoolFull(f"the queue is full: {len(self._queue)} runs wait already; stop one of them or try again in a minute")

    def _on_message(self, worker: WorkerProcess, message: dict[str, Any]) -> None:
        if "snapshot" in message:
            return self._layouts.add(message["run"], message["snapshot"])
        with self._mutex:
            if "ready" in message:
                worker.ready = True
                self._false_starts = 0
            elif "warm" in message:
                worker.warm = True
            elif "status" in message:
                change = worker.paused_runs.add if message["status"] == Status.PAUSED else worker.paused_runs.discard
                change(message["run"])
            elif "held" in message:
                worker.held[message["run"]] = message["held"]
            elif "mark" in message:
                self._owed.mark(message["run"], *message["mark"])
            elif "done" in message:
                worker.released(message["done"])
            self._dispatch()

    def _on_exit(self, worker: WorkerProcess, code: int) -> None:
        with self._mutex:
            if worker not in self._workers:  # it was dismissed
                return
            self._workers.remove(worker)
            if self.closed:
                return
            for run in set(worker.runs) - worker.releasing:
                found = failure(run, self.store.run(run).flat, code, worker.stopping, self.store.home, resumes(self.store.folder(run)))
                self._owed.mark(run, *found, among=ACTIVE)
            self._false_starts += not worker.ready
            if self._false_starts < 3:
                self._start_missing_workers()
            else:
                self._give_up(code)
            self._dispatch()

    def _give_up(self, code: int) -> None:
        """Workers that die before they are ready would be hired for ever."""
        log = self.store.home / "logs" / "workers.log"
        reason = f"no worker could be started (it {cause_of_death(code)}); the reason is at the end of {log}"
        while (turn := self._queue.pop()) is not None:
            for run in turn:
                self._owed.mark(run, Status.FAILED, reason)

    def _end_by_force(self, worker: WorkerProcess, run: str) -> None:
        with self._mutex:
            if run in worker.runs and run in worker.stopping:
                worker.kill()


_shared: dict[Path, Pool] = {}
_sharing = threading.Lock()


def shared_pool() -> Pool:
    """The pool of this process and this home, made at the first call."""
    from playground.projection import LayoutWorker

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
