"""The process that trains: warm before it is needed, then one run after the other, or several in step.

    python -m playground.runs.worker --home FOLDER [--threads N]

It reads JSON lines: {"runs": [id, ...]} has it train runs, in step, {"command": ["pause"], "run": id} reaches the
training of one, {"leave": "paused"} has it suspend them all where they stand. The end of its input means that the server is gone, however
it went: its runs are marked as interrupted and the process ends. It writes JSON lines: {"ready": pid}, {"warm": true},
{"news": id} where something of a run was recorded, {"status": "paused", "run": id}, {"snapshot": step, "run": id}, {"done": id}; and
where the disk takes nothing: {"held": why, "run": id}, "" when it goes on, and {"mark": [status, message], "run": id}, for the pool to
write down when it can.
"""

from __future__ import annotations

import argparse
import faulthandler
import functools
import json
import os
import queue
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import IO, Any, TypeVar

from playground.config import RunConfig
from playground.events import Change, Command, Event, Fetching, Pause, Stop
from playground.home import HomeError
from playground.machine.child import own_stdout
from playground.machine.core_sharing import share_cores
from playground.machine.memory import keep_memory, return_memory
from playground.runs.checkpoints import Loaded
from playground.runs.condition import resumes
from playground.runs.recorder import PERIOD, Recorder
from playground.runs.run_group import GroupMember, RunGroup
from playground.runs.status import STARTED, Status
from playground.runs.store import Store, Superseded

CHECKPOINT_EVERY = 10.0
RETRY = 0.5  # seconds between two tries to write to a disk that had no room
# How long a step may still take once the server is gone; after that the last checkpoint has to do.
PATIENCE = 30.0
INTERRUPTED = "the server stopped while this run was training; Resume goes on exactly from there"

Found = TypeVar("Found")
Progress = Generator[None, None, None]  # a training that gives one event after the other


class Worker:
    """Takes runs from its input until that ends."""

    def __init__(self, store: Store, threads: int, requests: IO[str], replies: IO[str]) -> None:
        self.store, self._threads = store, threads
        self._requests, self._replies = requests, replies
        self._groups: queue.SimpleQueue[RunGroup | None] = queue.SimpleQueue()
        self._group = RunGroup([])
        self._exit_status: str | None = None
        self._speaking = threading.Lock()
        store.listeners.add(lambda run: self.say(news=run))

    def serve(self) -> None:
        """Says that it is ready, then trains what it is given."""
        import torch

        torch.set_num_threads(self._threads)
        keep_memory()
        if self._threads > 1:
            share_cores()
        self.say(ready=os.getpid())
        self._warm_up()
        _tidy()
        while (group := self._groups.get()) is not None:
            self._train_in_step(group)
            _tidy()

    def listen(self) -> None:
        """Reads requests, beside the training, until the server closes them or dies."""
        for line in self._requests:
            request = json.loads(line)
            if "runs" in request:
                self._exit_status, self._group = None, RunGroup(request["runs"])
                self._groups.put(self._group)
            elif "command" in request:
                self._group.send(Command.from_message(request["command"]), request["run"])
            else:
                self._leave(request["leave"])
        self.end()

    def end(self) -> None:
        """Suspends its runs and ends the process."""
        self._groups.put(None)
        self._leave(Status.INTERRUPTED)
        deadline = threading.Timer(PATIENCE, os._exit, [1])
        deadline.daemon = True
        deadline.start()

    def say(self, **message: Any) -> None:
        """One line to the pool, if it still listens."""
        with self._speaking:
            try:
                print(json.dumps(message), file=self._replies, flush=True)
            except BrokenPipeError:
                self._exit_status = self._exit_status or Status.INTERRUPTED

    def _warm_up(self) -> None:
        """Does everything once that is slow the first time, such as drawing the built-in data; a run that is there goes first."""
        from playground.training.run import train

        time.sleep(PERIOD)
        try:
            for event in train(RunConfig(steps=1), folder=self.store.home / "data"):
                if event.step == 1 or not self._groups.empty():
                    break
        except Exception:
            # What is wrong will be shown by the first run, to somebody who can act on it.
            traceback.print_exc()
        self.say(warm=True)

    def _leave(self, status: str) -> None:
        self._exit_status = status
        # Training that goes on pauses; training that is paused already ignores that and comes back for the Stop.
        for command in (Pause(), Stop()):
            self._group.send(command)

    def _train_in_step(self, group: RunGroup) -> None:
        """Trains a group to its end. A run that ends early leaves the others to go on."""
        going: dict[GroupMember, Progress] = {}
        for member in group.turns():
            if member not in going:
                going[member] = self._take(member)
            with _log(self.store.folder(member.run).path / "worker.log"):
                over = next(going[member], member) is member
            if over:
                group.over(member)
                self.say(done=member.run)

    def _take(self, member: GroupMember) -> Progress:
        try:
            yield from self._train(member)
        except Superseded as error:
            print(error, file=sys.stderr)
        except HomeError as error:
            self._give_up(member, error)
        except Exception as error:
            traceback.print_exc()
            self._fail(member.run, f"{type(error).__name__}: {error}")

    def _fail(self, run: str, reason: str) -> None:
        after = resumes(self.store.folder(run))
        log = self.store.folder(run).path / "worker.log"
        self._mark(run, Status.FAILED, f"the training broke off ({reason.splitlines()[0]}); {after}; details: {log}")

    def _give_up(self, member: GroupMember, error: HomeError) -> None:
        """Somebody wants a run to end that waits for the disk: what could not be kept is lost."""
        status = self._exit_status or Status.STOPPED
        self._mark(member.run, status, f"{status} while it waited for the disk: {error}; {resumes(self.store.folder(member.run))}")

    def _mark(self, run: str, status: str, message: str) -> None:
        """In the store, or by the pool, which tries again until there is room."""
        try:
            self.store.mark(run, status, message)
        except HomeError:
            self.say(mark=[status, message], run=run)

    def _kept(self, member: GroupMember, write: Callable[[], Found]) -> Generator[None, None, Found]:
        """What `write` returns, once the disk takes it: until then the run waits, and says why. HomeError where it is to end meanwhile."""
        while True:
            try:
                found = write()
            except HomeError as error:
                if member.ending:
                    raise
                self._hold(member, str(error))
                yield
            else:
                self._hold(member, "")
                return found

    def _hold(self, member: GroupMember, why: str) -> None:
        if bool(why) != bool(member.held):
            self.say(held=why, run=member.run)
        member.held = why
        if why:
            time.sleep(RETRY)

    def _train(self, member: GroupMember) -> Progress:
        from playground.training.run import train

        run = member.run
        config, loaded, changes = self.store.run(run).config, self.store.folder(run).checkpoints.load(), self.store.changes(run)
        attempt, deferred = yield from self._kept(member, lambda: self._begin(run, loaded))
        for command in deferred:
            member.commands.put(command)
        member.step = -1
        yield
        events = functools.partial(
            train,
            config,
            folder=self.store.home / "data",
            commands=member.commands,
            changes=changes,
            checkpoint=loaded.state,
            checkpoint_every=CHECKPOINT_EVERY,
            flush_every=None if member.alone else 0,
        )
        suspended = yield from self._recorded(events, attempt, member)
        if suspended and self._exit_status == Status.INTERRUPTED:
            self._mark(run, Status.INTERRUPTED, INTERRUPTED)

    def _begin(self, run: str, loaded: Loaded) -> tuple[int, list[Command]]:
        begun = self.store.begin(run, loaded.step)
        for sentence in loaded.lost:
            after = f"the run goes on from step {loaded.step}" if loaded.state else "the run starts again"
            with suppress(HomeError):
                self.store.note(run, "remark", max(loaded.step, 0), {"sentence": f"{sentence}: {after}"})
        return begun

    def _recorded(self, train: Callable[[], Iterator[Event]], attempt: int, member: GroupMember) -> Generator[None, None, bool]:
        """Trains and records; again from where it begins if the disk had no room for its data. Whether it was suspended."""
        while True:
            events = train()
            recorder = Recorder(self.store, member.run, attempt, lambda step: self.say(snapshot=step, run=member.run))
            try:
                with closing(recorder), closing(events):  # type: ignore[type-var]
                    return (yield from self._follow(events, recorder, member))
            except HomeError as error:
                if member.ending or member.step >= 0:
                    raise
                self._hold(member, str(error))
                yield

    def _follow(self, events: Iterator[Event], recorder: Recorder, member: GroupMember) -> Generator[None, None, bool]:
        """Records events until the last one, or until the run is to be suspended and has paused for it: then True."""
        for event in events:
            if member.paused and self._exit_status and not isinstance(event, Change):
                return True
            recorder.add(event)
            yield from self._kept(member, recorder.settle)
            if not isinstance(event, Fetching):  # two that fetch the same data go one after the other
                member.step = event.step
            status = event.run_state(event.body).get("status")
            if status in STARTED and member.paused != (status == Status.PAUSED):
                member.paused = not member.paused
                self.say(status=status, run=member.run)
            if member.paused and self._exit_status and not isinstance(event, Change):
                return True
            yield
        return False


@contextmanager
def _log(path: Path) -> Iterator[None]:
    """All that is written to stderr meanwhile, by Python or by a library that crashes, goes to the end of `path`."""
    usual = os.dup(2)
    with suppress(OSError):  # no room for it: then to the workers' own
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "ab", buffering=0) as file:
            os.dup2(file.fileno(), 2)
    try:
        yield
    finally:
        sys.stderr.flush()
        os.dup2(usual, 2)
        os.close(usual)


def _tidy() -> None:
    """Memory goes back before the next run comes; a GPU may be shared with other workers."""
    import torch

    return_memory()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def main() -> None:
    """Entry of the process."""
    parser = argparse.ArgumentParser(description="Trains runs for a server; started by it.")
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    os.environ["SSL_PLAYGROUND_HOME"] = str(options.home)  # where this worker, too, finds people's own images
    faulthandler.enable()
    requests = os.fdopen(os.dup(0), encoding="utf-8")
    worker = Worker(Store(options.home), options.threads, requests, own_stdout())
    signal.signal(signal.SIGTERM, lambda *_: worker.end())
    threading.Thread(target=worker.listen, name="requests", daemon=True).start()
    worker.serve()


if __name__ == "__main__":
    main()
