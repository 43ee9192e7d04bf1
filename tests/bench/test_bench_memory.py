"""Memory by process: that of a whole server is measured by `ssl-playground bench`, here what it is made of."""

import os
import subprocess
import sys

import pytest

from playground.bench.memory import family, machine, role_of, share, shares

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="shared memory is counted only on Linux")
NAMED = (
    "import sys; open('/proc/self/comm', 'w').write(sys.argv[1]); held = bytearray(b'x') * 40_000_000; print('ready', flush=True); input()"
)


@pytest.fixture
def child():
    """A process that is named as forked maps are, and holds 40 MB."""
    with subprocess.Popen([sys.executable, "-c", NAMED, "projection.__main"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"ready\n"
        yield process
        process.kill()


@pytest.fixture
def parent():
    """A process with one child of that kind and no other, whatever else the tests have running."""
    starts = "import subprocess, sys; subprocess.run([sys.executable, '-c', *sys.argv[1:]])"
    with subprocess.Popen(
        [sys.executable, "-c", starts, NAMED, "projection.__main"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout.readline() == b"ready\n"
        yield process
        process.stdin.close()  # what the child waits for


@pytest.mark.slow
def test_memory_is_told_by_role_and_each_process_counts_once(parent):
    found = shares(parent.pid)
    assert parent.pid in family(os.getpid()) and os.getpid() not in family(parent.pid)
    (child,) = set(family(parent.pid)) - {parent.pid}
    # Its own 40 MB once; what it shares counts for more or less as other processes come and go.
    assert 40 < found["maps"] < 80 and found["maps"] == pytest.approx(share(child), abs=10)
    assert set(found) == {"server", "maps"}


def test_an_ordinary_process_is_known_by_its_command_line(child):
    words = ["-c", "print('ready', flush=True); input()", "playground.runs.worker"]
    with subprocess.Popen([sys.executable, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        assert (role_of(process.pid), role_of(child.pid), role_of(1)) == ("worker", "maps", "others")
        process.kill()


def test_the_machine_says_whose_numbers_these_are():
    assert machine()["cores"] == os.cpu_count() and isinstance(machine()["amx"], bool) and machine()["model"]
