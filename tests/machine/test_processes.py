"""Processes that are forked from one that has imported torch: they are as good as ordinary ones, whatever is killed. Real processes."""

import json
import os
import subprocess
import sys
import time

import pytest

from playground.machine import processes
from support import beginnings

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not sys.platform.startswith("linux"), reason="processes are forked on Linux only")]
CHILD = """
import json, os, sys

def main():
    if sys.argv[1] == "fails":
        raise RuntimeError("a reason")
    if sys.argv[1] == "says":
        files = [int(each) for each in os.listdir("/proc/self/fd")]
        rollup = dict(line.split()[:2] for line in open("/proc/self/smaps_rollup").read().splitlines()[1:])
        print(json.dumps({
            "parent": os.getppid(), "session": os.getsid(0), "pid": os.getpid(), "torch": "torch" in sys.modules,
            "chosen": os.environ["CHOSEN"],
            "words": sys.argv[1:], "open": len([each for each in files if each > 2 and os.path.exists(f"/proc/self/fd/{each}")]),
            "resident": int(rollup["Rss:"]), "own": int(rollup["Private_Dirty:"]),
        }))
    for line in sys.stdin:
        print(line.strip().upper())
    sys.exit(3)

if __name__ == "__main__":
    main()
"""
SERVER = """
import json, os, signal, subprocess, sys, threading
from playground.machine import processes

held = threading.Event()
waiting = threading.Thread(target=held.wait)
waiting.start()
found = {"with_a_thread": processes.begin()}
held.set()
waiting.join()
found["alone"] = processes.begin()

def start(word, **more):
    return processes.spawn([sys.executable, "-m", "child", word, "more"], os.environ | {"CHOSEN": "yes"}, encoding="utf-8", **more)

first, second = start("says"), start("says")
found["preloader"] = processes._preloader.pid
found["said"] = json.loads(first.stdout.readline())
first.stdin.write("hello" + chr(10))
first.stdin.flush()
found["echo"] = first.stdout.readline()
found["living"] = first.poll()
first.stdin.close()  # ends it, though the second was made while this pipe was open
found["ended"], found["again"] = first.wait(), first.poll()
second.kill()
found["killed"] = second.wait()
third = start("waits")
try:
    third.wait(0.01)
except subprocess.TimeoutExpired:
    found["patience"] = "at an end"
with third:
    third.terminate()
found["terminated"] = third.returncode
with open("errors.txt", "w") as errors:
    failing = start("fails", stderr=errors)
found["failed"] = failing.wait()

orphan = start("waits")
os.kill(processes._preloader.pid, signal.SIGKILL)
orphan.stdin.write("still here" + chr(10))
orphan.stdin.flush()
found["orphan"] = orphan.stdout.readline()
orphan.kill()
found["unknown"] = orphan.wait()
ordinary = start("says")
found["ordinary"] = json.loads(ordinary.stdout.readline())
ordinary.stdin.close()
found["ordinary_ended"] = ordinary.wait()
print(json.dumps(found))
"""
POOL = """
import json, os, signal, sys, time
from pathlib import Path
from playground.machine import processes
from support import beginnings
beginnings.share()
assert processes.begin()
from playground.config import RunConfig
from playground.runs.pool import Pool

def until(condition):
    while not (found := condition()):
        time.sleep(0.02)
    return found

pool = Pool(Path("home"), slots=1)
tiny = {"network": "resnet-tiny", "batch_size": 32}
lost = pool.submit(RunConfig(**tiny, steps=20_000))
until(lambda: pool.store.run(lost).step > 1)
worker = pool.health()["workers"][0]["pid"]
parent = int(Path(f"/proc/{worker}/stat").read_text().rpartition(")")[2].split()[1])
os.kill(worker, signal.SIGKILL)
until(lambda: pool.store.run(lost).status == "failed")
done = pool.submit(RunConfig(**tiny, steps=2))
until(lambda: pool.store.run(done).over)
found = {"parent": parent, "preloader": processes._preloader.pid}
print(json.dumps(found | {"lost": pool.store.run(lost).message, "done": pool.store.run(done).status}))
print(json.dumps(pool.submit(RunConfig(**tiny, steps=20_000))), flush=True)
worker = pool.health()["workers"][0]["pid"]
print(json.dumps(worker), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def run(code, folder):
    """Runs a script in a folder; what it printed, a line each."""
    places = [beginnings.PATH["PYTHONPATH"], str(folder)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(places), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert lines, done.stderr
    return lines


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    folder = tmp_path_factory.mktemp("forked")
    (folder / "child.py").write_text(CHILD)
    (result,) = run(SERVER, folder)
    return result | {"errors": (folder / "errors.txt").read_text()}


def test_a_process_with_a_second_thread_is_not_forked(found):
    assert not found["with_a_thread"] and found["alone"]


def test_a_forked_process_has_torch_and_shares_its_memory(found):
    said = found["said"]
    assert said["parent"] == found["preloader"] and said["torch"] and said["session"] == said["pid"]
    assert said["own"] < said["resident"] / 4


def test_a_forked_process_has_its_own_arguments_and_environment_and_nothing_open_but_its_streams(found):
    said = found["said"]
    assert (said["words"], said["chosen"], said["open"]) == (["says", "more"], "yes", 0)
    assert found["echo"] == "HELLO\n"


def test_the_end_of_a_forked_process_is_told_as_that_of_an_ordinary_one(found):
    assert (found["living"], found["ended"], found["again"], found["failed"]) == (None, 3, 3, 1)
    assert (found["killed"], found["terminated"], found["patience"]) == (-9, -15, "at an end")
    assert "RuntimeError: a reason" in found["errors"]


def test_when_the_preloader_is_killed_its_children_go_on_and_others_start_without_it(found):
    assert (found["orphan"], found["unknown"]) == ("STILL HERE\n", processes.UNKNOWN)
    assert found["ordinary"]["words"] == ["says", "more"] and not found["ordinary"]["torch"] and found["ordinary_ended"] == 3


def test_a_forked_worker_that_is_killed_fails_its_run_alone_and_all_end_with_their_server(tmp_path):
    told, _, worker = run(POOL, tmp_path)
    assert told["parent"] == told["preloader"]
    assert "was killed (SIGKILL)" in told["lost"] and told["done"] == "finished"
    deadline = time.monotonic() + 120
    while any(os.path.exists(f"/proc/{pid}") for pid in (worker, told["preloader"])):
        assert time.monotonic() < deadline
        time.sleep(0.05)
