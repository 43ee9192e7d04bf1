"""The data routes, and the whole app, on ports of their own."""

import contextlib
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.request

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from websockets.sync.client import connect

from playground.home import site
from playground.runs.pool import Pool
from playground.web.routes import routes
from support.waiting import PATIENCE, until


class Served:
    """The routes over a pool without workers: what happens in a run is written by the test.

    under: the part of an address that all requests of `http` share; more: what else the pool is given.
    """

    def __init__(self, home, under="/", **more):
        self.pool = Pool(home, slots=1, warm=False, **more)
        self.store = self.pool.store
        self.stopping = threading.Event()
        found = routes(lambda: self.pool, self.stopping)
        self.hub = found[-1].endpoint.__self__.hub
        self.server = uvicorn.Server(uvicorn.Config(Starlette(routes=found), port=0, log_level="warning", ws="websockets-sansio"))
        self.thread = threading.Thread(target=self.server.run)
        self.thread.start()
        until(lambda: self.server.started, "the server")
        self.port = self.server.servers[0].sockets[0].getsockname()[1]
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{self.port}{under}", timeout=PATIENCE)

    @contextlib.contextmanager
    def socket(self, **options):
        with connect(f"ws://127.0.0.1:{self.port}/api/ws", **options) as page:
            yield page

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.http.close()
        self.server.should_exit = True
        self.thread.join()
        self.pool.close()


# `python -c` this in place of `-m playground.machine.processes` where no map is looked at: what lays them out compiles for many seconds.
WITHOUT_MAPS = """
import runpy
from playground.machine import processes
from playground.runs import pool
processes.begin()
pool.LayoutWorker = None
runpy.run_module("streamlit", run_name="__main__", alter_sys=True)
"""


@contextlib.contextmanager
def serving(home, start=("-m", "playground.machine.processes")):
    """Starts the app with this home, and ends it afterwards. start: what Python is given to run."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = [f"--server.port={port}", "--server.address=127.0.0.1", "--server.headless=true"]
    command = [sys.executable, *start, "run", "app.py", *options]
    environment = os.environ | {"SSL_PLAYGROUND_HOME": str(home)}
    with open(home / "server.log", "wb") as log:
        process = subprocess.Popen(command, cwd=site(), env=environment, stdout=log, stderr=log)
    try:
        address = f"http://127.0.0.1:{port}/"
        _wait_for_a_worker(address, process, home)
        yield address
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for_a_worker(address, process, home):
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline:
        assert process.poll() is None, (home / "server.log").read_text()
        try:
            with urllib.request.urlopen(f"{address}healthz", timeout=5) as answer:
                if b'"ready":true' in answer.read():
                    return
        except OSError:
            pass  # it does not listen yet
        time.sleep(0.1)
    pytest.fail(f"no worker was ready within 180 s: {(home / 'server.log').read_text()}")
