"""What the tests share: a home of their own, and few threads, so that they do not fight over cores."""

import os
import tempfile

os.environ["SSL_PLAYGROUND_HOME"] = tempfile.mkdtemp(prefix="ssl-playground-")  # never that of the person who runs the tests
os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # threads that wait must not spin: servers and workers train beside the tests

from playground.machine import processes

processes.begin()  # workers, maps and evaluations are forked, as those of a server are; before anything here starts a thread

import pytest
import torch

from playground.machine import core_sharing
from support.trainings import TINY

core_sharing.share_cores = lambda: None  # the tests' own process keeps all of its cores, and so does what it starts
torch.set_num_threads(max(1, min(2, os.cpu_count() or 1)))


def pytest_collection_modifyitems(items):
    """Whatever happens in a browser is slow; other tests say so themselves."""
    for item in items:
        if "browser" in item.path.parts:
            item.add_marker(pytest.mark.slow)


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty SSL_PLAYGROUND_HOME."""
    monkeypatch.setenv("SSL_PLAYGROUND_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def tiny():
    """Settings of a run that takes about a second; a test adds its own."""
    return TINY | {"steps": 6}
