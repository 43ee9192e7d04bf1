"""The process that trains: warm before it is asked, then one run after the other.

    python -m playground.runs.worker --home FOLDER [--threads N]

It reads JSON lines: {"run": id} takes a run in hand, {"command": ["pause"]} reaches the training, {"leave": "paused"} puts the
run down where it stands. The end of its input means that the server is gone, however it went: the run is put down as
interrupted and the process ends. It writes JSON lines: {"ready": pid}, {"warm": true}, {"status": "paused"},
{"snapshot": step}, {"done": id}.
"""

from __future__ import annotations

import argparse
import faulthandler
import gc
import json
import os
import queue
import signal
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO, Any

from playground.config import RunConfig
from playground.events import Change, Command, Event, Metrics, Pause, Paused, Stop
from playground.runs.messages import to_command
from playground.runs.recorder import PERIOD, Recorder
from playground.runs.store import Store, Superseded

CHECKPOINT_EVERY = 10.0
# How long a step may still take once the server is gone; after that the last checkpoint has to do.
PATIENCE = 30.0
INTERRUPTED = "the server stopped while this run was training; Resume goes on exactly from there"

Commands = queue.SimpleQueue[Command]


class Worker:
    """Takes runs from its input until that ends."""

    def __init__(self, store: Store, threads: int, requests: IO[str], replies: IO[str]) -> None:
        self.store, self._threads = store, threads
        self._requests, self._replies = requests, replies
        self._runs: queue.SimpleQueue[tuple[str, Commands] | None] = queue.SimpleQueue()
        self._commands: Commands = queue.SimpleQueue()
        self._leaving: str | None = None
        self._speaking = threading.Lock()

    def serve(self) -> None:
        """Says that it is ready, then trains what it is given."""
        import torch

        torch.set_num_threads(self._threads)
        self.say(ready=os.getpid())
        self._warm_up()
        while (taken := self._runs.get()) is not None:
            run, commands = taken
            self._take(run, commands)
            self.say(done=run)

    def listen(self) -> None:
        """Reads requests, beside the training, until the server closes them or dies."""
        for line in self._requests:
            request = json.loads(line)
            if "run" in request:
                self._leaving, self._commands = None, queue.SimpleQueue()
                self._runs.put((request["run"], self._commands))
            elif "command" in request:
                self._commands.put(to_command(request["command"]))
            else:
                self._leave(request["leave"])
        self.end()

    def end(self) -> None:
        """Puts down the run in hand and ends the process."""
        self._runs.put(None)
        self._leave("interrupted")
        deadline = threading.Timer(PATIENCE, os._exit, [1])
        deadline.daemon = True
        deadline.start()

    def say(self, **message: Any) -> None:
        """One line to the pool; where nobody listens any more there is nobody to tell."""
        with self._speaking:
            try:
                print(json.dumps(message), file=self._replies, flush=True)
            except BrokenPipeError:
                self._leaving = self._leaving or "interrupted"

    def _warm_up(self) -> None:
        """Does everything once that is slow the first time, such as drawing the built-in data; a run that is there goes first."""
        from playground.training import train

        time.sleep(PERIOD)
        try:
            for event in train(RunConfig(steps=1), folder=self.store.home / "data"):
                if event.step == 1 or not self._runs.empty():
                    break
        except Exception:
            # What is wrong will be said by the first run, to somebody who can act on it.
            traceback.print_exc()
        self.say(warm=True)

    def _leave(self, status: str) -> None:
        self._leaving = status
        # Training that goes on pauses; training that is paused already ignores that and comes back for the Stop.
        for command in (Pause(), Stop()):
            self._commands.put(command)

    def _take(self, run: str, commands: Commands) -> None:
        with _log(self.store.folder(run).path / "worker.log"):
            try:
                self._train(run, commands)
            except Superseded as error:
                print(error, file=sys.stderr)
            except Exception as error:
                traceback.print_exc()
                self._fail(run, f"{type(error).__name__}: {error}")
            _tidy()

    def _fail(self, run: str, reason: str) -> None:
        kept = "Resume goes on from its last checkpoint" if self.store.folder(run).has_checkpoint() else "Resume starts it again"
        log = self.store.folder(run).path / "worker.log"
        self.store.mark(run, "failed", f"the training broke off ({reason.splitlines()[0]}); {kept}; details: {log}")

    def _train(self, run: str, commands: Commands) -> None:
        from playground.training import train

        config, kept, changes = self.store.run(run).config, self.store.folder(run).checkpoint(), self.store.changes(run)
        step, state = kept or (-1, None)
        attempt, deferred = self.store.begin(run, step)
        for message in deferred:
            commands.put(to_command(message))
        events = train(
            config,
            folder=self.store.home / "data",
            commands=commands,
            changes=changes,
            checkpoint=state,
            checkpoint_every=CHECKPOINT_EVERY,
        )
        recorder = Recorder(self.store, run, attempt, lambda step: self.say(snapshot=step))
        with closing(recorder), closing(events):  # type: ignore[type-var]
            put_down = self._follow(events, recorder)
        if put_down and self._leaving == "interrupted":
            self.store.mark(run, "interrupted", INTERRUPTED)

    def _follow(self, events: Iterator[Event], recorder: Recorder) -> bool:
        """Records events until the last one, or until the run is to be put down and has paused for it: then True."""
        paused = False
        for event in events:
            if paused and self._leaving and not isinstance(event, Change):
                return True
            recorder.add(event)
            if isinstance(event, Paused):
                paused = True
                self.say(status="paused")
            elif paused and isinstance(event, Metrics):
                paused = False
                self.say(status="running")
            if paused and self._leaving and not isinstance(event, Change):
                return True
        return False


@contextmanager
def _log(path: Path) -> Iterator[None]:
    """All that is said on stderr meanwhile, by Python or by a library that crashes, goes to the end of `path`."""
    usual = os.dup(2)
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

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _own_stdout() -> IO[str]:
    """Our replies get stdout to themselves: what libraries print goes to stderr, and cannot corrupt a message."""
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return replies


def main() -> None:
    """Entry of the process."""
    parser = argparse.ArgumentParser(description="Trains runs for a server; started by it.")
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    os.environ["SSL_PLAYGROUND_HOME"] = str(options.home)  # where this worker, too, finds people's own images
    faulthandler.enable()
    requests = os.fdopen(os.dup(0), encoding="utf-8")
    worker = Worker(Store(options.home), options.threads, requests, _own_stdout())
    signal.signal(signal.SIGTERM, lambda *_: worker.end())
    threading.Thread(target=worker.listen, name="requests", daemon=True).start()
    worker.serve()


if __name__ == "__main__":
    main()
