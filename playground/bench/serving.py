"""A real server of its own, in an empty home, for what is measured from outside."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from playground.home import site

PATIENCE = 300.0  # seconds until all is warm
SETTLED = 3.0  # seconds afterwards


class Server(NamedTuple):
    """process: its number; address: of its page, such as http://127.0.0.1:8501/."""

    process: int
    address: str


@contextmanager
def serving(home: Path) -> Iterator[Server]:
    """Starts a separate server and yields it when a worker and the map process are warm. Raises RuntimeError if it does not start."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = ["--server.port", str(port), "--server.address", "127.0.0.1", "--server.headless", "true"]
    command = [sys.executable, "-m", "playground.machine.processes", "run", "app.py", *options]
    environment = os.environ | {"SSL_PLAYGROUND_HOME": str(home)}
    with (
        open(home / "server.log", "wb") as log,
        subprocess.Popen(command, cwd=site(), env=environment, stdout=log, stderr=log, start_new_session=True) as process,
    ):
        try:
            _wait(process, f"http://127.0.0.1:{port}/healthz", home / "server.log")
            yield Server(process.pid, f"http://127.0.0.1:{port}/")
        finally:
            process.terminate()


def _wait(process: subprocess.Popen[bytes], address: str, log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended: {log.read_text()[-500:]}")
        time.sleep(0.5)
        try:
            with urllib.request.urlopen(address, timeout=5) as answer:
                health = json.load(answer)
        except OSError:
            continue
        if health["maps"] and any(each["warm"] for each in health["workers"]):
            time.sleep(SETTLED)
            return
    raise RuntimeError(f"the server was not warm after {PATIENCE:.0f} s: {log.read_text()[-500:]}")
