"""The pool: warm workers, and who gets one when.

Every worker has torch imported and its kernels warm before it is needed. Owners take turns. A paused run gives its worker up
when others wait, and goes on exactly from its checkpoint. A worker that dies takes its run's status with it, never the pool.
"""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from playground.config import RunConfig
from playground.events import Command, Pause, Resume, Set, Step, Stop
from playground.home import home as default_home
from playground.runs.evaluations import Evaluations
from playground.runs.lock import HomeLock
from playground.runs.messages import to_message
from playground.runs.process import WorkerProcess, cause_of_death
from playground.runs.runner import PoolFull, RunError
from playground.runs.store import Store
from playground.runs.waiting import FairQueue

if TYPE_CHECKING:
    from playground.projection import Projector

# How long a run may take to end by itself once it was told to stop; a step of a large network on a slow machine is long.
STOP_GRACE = 20.0
CLOSE_GRACE = 30.0
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
        projector: Callable[[], Projector] | None = None,
    ) -> None:
        cores = os.cpu_count() or 1
        self.slots = slots or max(1, cores // 2)
        self.closed = False
        self._threads = max(1, cores // self.slots)
        self._queue_limit = queue_limit
        home.mkdir(parents=True, exist_ok=True)
        self._lock = HomeLock(home)
        self.store = Store(home)
        self.evaluations = Evaluations(self.store)
        self._projector = projector() if projector is not None else None
        self._queue = FairQueue()
        self._workers: list[WorkerProcess] = []
        self._false_starts = 0
        self._mutex = threading.RLock()
        self._recover()
        if warm or self._queue:
            self._staff()

    def submit(self, config: RunConfig, owner: str = "") -> str:
        """Queues a new run and returns its id. Raises `PoolFull`."""
        with self._mutex:
            self._require_room()
            run = self.store.create(config, owner)
            self._queue.put(run, owner)
            self._staff()
            self._dispatch()
        return run

    def command(self, run: str, command: Command) -> None:
        """Passes a command to a run. Raises `ConfigError` for a knob that cannot be, `RunError` where it makes no sense now."""
        if isinstance(command, Stop):
            return self.stop(run)
        if isinstance(command, Set):
            command = self._checked(run, command)
        with self._mutex:
            worker = self._worker_of(run)
            if worker is not None:
                worker.say(command=to_message(command))
            else:
                self._command_without_worker(run, command)

    def resume(self, run: str) -> None:
        """Goes on with a run that is paused, or from its checkpoint if it was stopped, interrupted or failed."""
        self.command(run, Resume())

    def stop(self, run: str) -> None:
        """Ends a run, wherever it is."""
        with self._mutex:
            worker = self._worker_of(run)
            if worker is None:
                self._queue.remove(run)
                self.store.mark(run, "stopped", "stopped before it went on", among=("queued", "paused"))
                return
            worker.stopping = True
            worker.say(command=to_message(Stop()))
            deadline = threading.Timer(STOP_GRACE, self._end_by_force, [worker, run])
            deadline.daemon = True
            deadline.start()

    def position(self, run: str) -> int | None:
        """1 for the run that is next, None for one that does not wait."""
        with self._mutex:
            order = self._queue.order()
        return order.index(run) + 1 if run in order else None

    def health(self) -> dict[str, Any]:
        """What there is to say about the workers and the queue."""
        with self._mutex:
            shown = ("pid", "ready", "warm", "run", "paused")
            workers = [{name: getattr(each, name) for name in shown} for each in self._workers]
            return {"slots": self.slots, "queue": len(self._queue), "workers": workers}

    def close(self) -> None:
        """Puts down every run as interrupted and lets go of everything."""
        with self._mutex:
            if self.closed:
                return
            self.closed = True
            workers = list(self._workers)
        self.evaluations.close()
        for worker in workers:
            worker.hang_up()
        for worker in workers:
            worker.join(CLOSE_GRACE)
        if self._projector is not None:
            self._projector.close()
        self._interrupt_abandoned()
        self.store.close()
        self._lock.release()

    def _recover(self) -> None:
        """What a server before this one left: its runs can be resumed, and those that waited wait again."""
        self._interrupt_abandoned()
        for run in reversed(self.store.runs(limit=-1, statuses=("queued",))):
            self._queue.put(run.id, run.owner)

    def _interrupt_abandoned(self) -> None:
        for run in self.store.runs(limit=-1, statuses=("running", "paused")):
            self.store.mark(run.id, "interrupted", INTERRUPTED, among=("running", "paused"))

    def _staff(self) -> None:
        """Hires until every slot has a worker."""
        while len(self._workers) < self.slots:
            worker = WorkerProcess(self.store.home, self._threads, self._on_message, self._on_exit)
            self._workers.append(worker)
            worker.listen()

    def _dispatch(self) -> None:
        """Gives runs to workers that are free, then asks paused runs to make room for those that still wait."""
        for worker in self._workers:
            if worker.free:
                run = self._queue.pop()
                if run is None:
                    return
                worker.take(run)
        coming = sum(not each.ready or each.leaving for each in self._workers)
        for worker in [each for each in self._workers if each.paused and not each.leaving][: max(0, len(self._queue) - coming)]:
            worker.leaving = True
            worker.say(leave="paused")

    def _worker_of(self, run: str) -> WorkerProcess | None:
        """Who has the run in hand and still listens: not a worker that is letting go of it, or has recorded its end."""
        worker = next((each for each in self._workers if each.run == run and not each.leaving), None)
        return worker if worker is not None and not self.store.run(run).over else None

    def _command_without_worker(self, run: str, command: Command) -> None:
        status = self.store.run(run).status
        if isinstance(command, Pause):
            if status != "paused":
                raise RunError(f"run {run} is {status}: only a run that trains can be paused")
        elif status == "finished":
            raise RunError(f"run {run} is finished: start a new one, with more steps if it should go further")
        elif isinstance(command, Set):
            self.store.defer(run, *to_message(command))
        elif status != "queued":
            self._require_room()
            if isinstance(command, Step):
                self.store.defer(run, *to_message(command))
            for worker in self._workers:
                worker.leaving = worker.leaving or worker.run == run
            self.store.mark(run, "queued")
            self._queue.put(run, self.store.run(run).owner, first=True)
            self._staff()
            self._dispatch()

    def _checked(self, run: str, command: Set) -> Set:
        config = self.store.run(run).config
        for change in self.store.changes(run):
            config = config.changed(change.name, change.value)
        return Set(command.name, config.changed(command.name, command.value).flat()[command.name])

    def _require_room(self) -> None:
        if self.closed:
            raise PoolFull("the server is stopping: no more runs are taken in")
        if len(self._queue) >= self._queue_limit:
            raise PoolFull(f"the queue is full: {len(self._queue)} runs wait already; stop one of them or try again in a minute")

    def _on_message(self, worker: WorkerProcess, message: dict[str, Any]) -> None:
        if "snapshot" in message and worker.run is not None:
            return self._lay_out(worker.run, message["snapshot"])
        with self._mutex:
            if "ready" in message:
                worker.ready = True
                self._false_starts = 0
            elif "warm" in message:
                worker.warm = True
            elif "status" in message:
                worker.paused = message["status"] == "paused"
            elif "done" in message:
                worker.let_go()
            self._dispatch()

    def _on_exit(self, worker: WorkerProcess, code: int) -> None:
        with self._mutex:
            self._workers.remove(worker)
            if self.closed:
                return
            if worker.run is not None and not worker.leaving:
                self._bury(worker, worker.run, code)
            self._false_starts += not worker.ready
            if self._false_starts < 3:
                self._staff()
            else:
                self._give_up(code)
            self._dispatch()

    def _bury(self, worker: WorkerProcess, run: str, code: int) -> None:
        """Says what became of the run whose worker died."""
        kept = "Resume goes on from its last checkpoint" if self.store.folder(run).has_checkpoint() else "Resume starts it again"
        among = ("queued", "running", "paused")
        if worker.stopping:
            self.store.mark(run, "stopped", f"stopped in the middle of a step that took too long; {kept}", among)
            return
        cause = cause_of_death(code)
        size, network = self.store.run(run).flat["batch_size"], self.store.run(run).flat["network"]
        advice = f"if memory ran out, lower batch_size (it is {size}) or take a smaller network than {network}"
        self.store.mark(run, "failed", f"the worker that trained this run {cause}: {advice}. {kept}", among)

    def _give_up(self, code: int) -> None:
        """Workers that die before they are ready would be hired for ever."""
        log = self.store.home / "logs" / "workers.log"
        reason = f"no worker could be started (it {cause_of_death(code)}); the reason is at the end of {log}"
        while (run := self._queue.pop()) is not None:
            self.store.mark(run, "failed", reason)

    def _end_by_force(self, worker: WorkerProcess, run: str) -> None:
        with self._mutex:
            if worker.run == run and worker.stopping:
                worker.kill()

    def _lay_out(self, run: str, step: int) -> None:
        arrays = self.store.folder(run).snapshot(step) if self._projector is not None else None
        if self._projector is None or arrays is None or "embedding" not in arrays:
            return

        def keep(points: Any) -> None:
            # The run may have gone back to a checkpoint meanwhile, and another snapshot of this step may come.
            if step in self.store.folder(run).steps():
                self.store.folder(run).save_layout(step, points)
                self.store.note(run, "layout", step, {"kind": "umap"})

        self._projector.submit(run, arrays["embedding"], keep)


_shared: dict[Path, Pool] = {}
_sharing = threading.Lock()


def shared_pool() -> Pool:
    """The pool of this process and this home, made at the first call."""
    from playground.projection import Projector

    home = default_home()
    with _sharing:
        if home not in _shared or _shared[home].closed:
            if not _shared:
                atexit.register(close_shared_pools)
            _shared[home] = Pool(home, projector=Projector)
        return _shared[home]


def close_shared_pools() -> None:
    """Closes what `shared_pool` made."""
    with _sharing:
        pools = [_shared.pop(home) for home in list(_shared)]
    for pool in pools:
        pool.close()
