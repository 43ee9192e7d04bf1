"""What the tests share: a home of their own, and few threads, so that they do not fight over cores."""

import os
import re
import sys
import tempfile

import pytest

BESIDE_OTHERS = "PYTEST_XDIST_WORKER" in os.environ  # one of the processes of `pytest -n 2`: each has a core
# The one that tells them what to test, and tests nothing.
DEALS = not BESIDE_OTHERS and re.search(" (-n|--numprocesses)[ =]?[^0 ]", " ".join(sys.argv)) is not None

os.environ["SSL_PLAYGROUND_HOME"] = tempfile.mkdtemp(prefix="ssl-playground-")  # never that of the person who runs the tests
os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # threads that wait must not spin: servers and workers train beside the tests


def begin():
    """Workers, maps and evaluations are forked, as those of a server are; before anything here starts a thread."""
    import torch

    from playground.machine import core_sharing, processes
    from support import beginnings

    beginnings.share()
    if BESIDE_OTHERS:  # its second thread waits for what is to be tested, and holds nothing that a forked process needs
        processes.may_be_forked = lambda: True
    processes.begin()
    core_sharing.share_cores = lambda: None  # the tests' own process keeps all of its cores, and so does what it starts
    torch.set_num_threads(1 if BESIDE_OTHERS else max(1, min(2, os.cpu_count() or 1)))


if not DEALS:
    begin()


def pytest_collection_modifyitems(items):
    """Whatever happens in a browser is slow, and so is what must be alone; other tests say so themselves."""
    for item in items:
        if "browser" in item.path.parts or item.get_closest_marker("alone"):
            item.add_marker(pytest.mark.slow)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Tests of one file, which share what they build, run in one process; so do all that need the one server and browser."""
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            file = nodeid.partition("::")[0]
            return "browser" if "/browser/" in file else file

    return ByFile(config, log)


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty SSL_PLAYGROUND_HOME."""
    monkeypatch.setenv("SSL_PLAYGROUND_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def tiny():
    """Settings of a run that takes about a second; a test adds its own."""
    from support.trainings import TINY

    return TINY | {"steps": 6}
