"""Processes that share torch: they are forked from one that has imported it, instead of importing it again.

    python -m playground.machine.processes run app.py ...

imports what workers, maps and evaluations need, forks the preloader, and continues as `streamlit run app.py ...`. So the server, the
workers and the map process share the memory of their imports, and a worker starts in a fraction of a second. The preloader itself
only forks: it computes nothing, starts no thread and uses no GPU, because a process that has done so must not be forked.

`spawn` starts a program. Without a preloader (on other systems than Linux, if the server was started in another way, or if the
preloader was killed) it starts an ordinary process, with the same interface.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import logging
import os
import runpy
import select
import selectors
import signal
import socket
import subprocess
import sys
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any, NoReturn

# What a training needs. Every optimizer imports torch._dynamo. Nothing that starts a thread, as pandas does, which scikit-learn imports.
NEEDED = ("torch._dynamo", "torchvision.datasets", "playground.training.run", "playground.runs.worker", "playground.projection")
LARGEST = 1 << 18  # bytes of a request, which includes the environment
UNKNOWN = 255  # the exit code of a process whose parent died before it could send the code


class Forked:
    """A process forked by the preloader, with the part of the interface of `subprocess.Popen` that is used here. stdin, stdout: pipes or
    None."""

    def __init__(self, pid: int, handle: int, reports: socket.socket, stdin: IO[Any], stdout: IO[Any] | None) -> None:
        self.pid, self.stdin, self.stdout = pid, stdin, stdout
        self.returncode: int | None = None
        self._handle, self._reports = os.fdopen(handle, "rb", buffering=0), reports

    def poll(self) -> int | None:
        """The exit code, or None while it runs."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Waits for the exit code. Raises subprocess.TimeoutExpired after `timeout` seconds. Many threads may wait."""
        if self.returncode is None:
            ended = select.poll()
            ended.register(self._handle, select.POLLIN)
            if not ended.poll(None if timeout is None else 1000 * timeout):
                raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0)
            self.returncode = int(self._reports.recv(64, socket.MSG_PEEK) or UNKNOWN)
        return self.returncode

    def kill(self) -> None:
        """Kills it."""
        self._send(signal.SIGKILL)

    def terminate(self) -> None:
        """Asks it to end."""
        self._send(signal.SIGTERM)

    def __enter__(self) -> Forked:
        return self

    def __exit__(self, *_: object) -> None:
        for pipe in filter(None, (self.stdout, self.stdin)):
            with contextlib.suppress(BrokenPipeError):
                pipe.close()
        self.wait()

    def __del__(self) -> None:
        # Not before: any thread may still wait for the end, or ask for the exit code.
        self._handle.close()
        self._reports.close()

    def _send(self, number: int) -> None:
        # By its handle: the number of an ended process may already belong to another one.
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._handle.fileno(), number)


Process = subprocess.Popen[Any] | Forked


class Preloader:
    """The connection of the server to the preloader."""

    def __init__(self, channel: socket.socket, pid: int) -> None:
        self.pid, self._channel = pid, channel

    def start(self, command: Sequence[str], environment: Mapping[str, str], stdout: int, errors: int, encoding: str | None) -> Forked:
        """Starts a process for `python -m module ...`. Raises OSError if this is not possible."""
        reports, reporting = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        stdin, writing = os.pipe()
        reading, answers = os.pipe() if stdout == subprocess.PIPE else (-1, os.open(os.devnull, os.O_WRONLY))
        mode = "" if encoding else "b"
        requests = os.fdopen(writing, f"w{mode}", encoding=encoding)
        replies = os.fdopen(reading, f"r{mode}", encoding=encoding) if reading >= 0 else None
        request = json.dumps({"command": list(command[2:]), "environment": dict(environment)})
        try:
            with reporting:
                socket.send_fds(self._channel, [request.encode()], [stdin, answers, errors, reporting.fileno()])
            pid, handles, *_ = socket.recv_fds(reports, 64, 1)
            if not pid:
                raise OSError("the preloader has ended")
        except OSError:
            for each in (requests, replies, reports):
                if each is not None:
                    each.close()
            raise
        finally:
            os.close(stdin)
            os.close(answers)
        return Forked(int(pid), handles[0], reports, requests, replies)


_preloader: Preloader | None = None


def begin() -> bool:
    """Starts the preloader if this process may be forked; returns whether it did."""
    global _preloader
    if not sys.platform.startswith("linux") or not hasattr(signal, "pidfd_send_signal"):
        return False
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # numpy would start its own threads when it is imported
    for name in NEEDED:
        importlib.import_module(name)
    if not may_be_forked():
        return False
    gc.collect()
    gc.freeze()  # garbage collection would write to the shared memory
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    pid = os.fork()
    if pid == 0:
        ours.close()
        _serve(theirs)
    theirs.close()
    _preloader = Preloader(ours, pid)
    return True


def may_be_forked() -> bool:
    """Whether this process has a single thread and no GPU driver."""
    return len(os.listdir("/proc/self/task")) == 1 and "libcuda.so" not in Path("/proc/self/maps").read_text()


def spawn(
    command: Sequence[str],
    environment: Mapping[str, str],
    *,
    stdout: int = subprocess.PIPE,
    stderr: IO[Any] | None = None,
    encoding: str | None = None,
) -> Process:
    """Starts a program in its own session: Ctrl-C in the terminal reaches only the server, which then ends the program properly.

    stdin is a pipe, stdout a pipe or subprocess.DEVNULL, stderr a file or that of this process. encoding: of the pipes; None for bytes.
    """
    global _preloader
    if _preloader is not None and tuple(command[:2]) == (sys.executable, "-m"):
        try:
            errors = 2 if stderr is None else stderr.fileno()
            return _preloader.start(command, environment, stdout, errors, encoding)
        except OSError as error:
            logging.getLogger(__name__).warning("processes are started one by one from now on: %s", error)
            _preloader = None
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": stdout, "stderr": stderr, "encoding": encoding}
    return subprocess.Popen(command, env=environment, **pipes, **_new_session())


def _new_session() -> dict[str, Any]:
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"start_new_session": True}


def _serve(channel: socket.socket) -> NoReturn:
    """The preloader: forks on request and reports exit codes, until the server has ended."""
    os.setsid()
    _name("preloader")
    waiting = selectors.DefaultSelector()
    waiting.register(channel, selectors.EVENT_READ)
    while True:
        for key, _ in waiting.select():
            if key.data is None:
                request, descriptors, *_ = socket.recv_fds(channel, LARGEST, 4)
                if not request:
                    os._exit(0)
                handle, *child = _fork(json.loads(request), descriptors)
                waiting.register(handle, selectors.EVENT_READ, child)
            else:
                waiting.unregister(key.fd)
                os.close(key.fd)
                _report_end(*key.data)


def _fork(request: dict[str, Any], descriptors: list[int]) -> tuple[int, int, socket.socket]:
    """A handle that is ready when the child has ended, its process id, and the socket for its exit code."""
    *streams, reporting = descriptors
    pid = os.fork()
    if pid == 0:
        _become(request["command"], request["environment"], streams)
    for each in streams:
        os.close(each)
    handle, reports = os.pidfd_open(pid), socket.socket(fileno=reporting)
    with contextlib.suppress(OSError):  # the server may have ended
        socket.send_fds(reports, [str(pid).encode()], [handle])
    return handle, pid, reports


def _report_end(pid: int, reports: socket.socket) -> None:
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    with reports, contextlib.suppress(OSError):
        reports.send(str(code).encode())


def _name(process: str) -> None:
    """Sets the name of this process in `top` and `ps`."""
    Path("/proc/self/comm").write_text(process[:15])


def _become(command: list[str], environment: dict[str, str], streams: list[int]) -> NoReturn:
    """The child: `python -m module ...` with its imports done. Only its three streams are open."""
    code = 1
    try:
        os.setsid()
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
        os.closerange(3, os.sysconf("SC_OPEN_MAX"))
        os.environ.clear()
        os.environ.update(environment)
        sys.stdin, sys.stdout, sys.stderr = os.fdopen(0), os.fdopen(1, "w", 1), os.fdopen(2, "w", 1)
        sys.argv = command
        _name(command[0].removeprefix("playground."))
        importlib.import_module(command[0]).main()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def main() -> None:
    """`streamlit` with a preloader."""
    from playground.machine.processes import begin  # the imported module, because this one is __main__

    begin()
    runpy.run_module("streamlit", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
