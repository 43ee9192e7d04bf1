"""How processes beside the server are started: all of them in one way."""

import os
import re
import subprocess
import sys
from pathlib import Path

import playground
from playground.machine.child import start_child

SAYS = """
import os, sys
print(os.getsid(0) == os.getpid(), os.environ["OMP_NUM_THREADS"], os.environ.get("SSL_PLAYGROUND_HOME"), flush=True)
sys.stdin.read()
print("its last word", file=sys.stderr)
raise SystemExit(3)
"""


def test_a_child_has_a_session_threads_and_a_home_of_its_own_and_a_log_that_grows(tmp_path):
    log = tmp_path / "logs" / "child.log"
    for words in (1, 2):
        with start_child((sys.executable, "-c", SAYS), threads=3, home=tmp_path, log=log, encoding="utf-8") as child:
            assert child.stdout.readline().split() == ["True", "3", str(tmp_path)]
            assert os.getsid(child.pid) != os.getsid(0)
            child.stdin.close()
            assert child.wait(60) == 3
        assert log.read_text() == words * "its last word\n"


def test_where_no_log_can_be_written_a_child_starts_all_the_same(tmp_path):
    (tmp_path / "logs").write_text("a file where a folder should be")
    with start_child((sys.executable, "-c", "pass"), log=tmp_path / "logs" / "child.log", stdout=subprocess.DEVNULL) as child:
        assert child.wait(60) == 0 and child.stdout is None


def test_processes_are_started_and_give_way_in_one_place_each():
    found = {r"\bspawn\(": set(), r"os\.nice\(": set()}
    package = Path(playground.__file__).parent
    for path in package.rglob("*.py"):
        for pattern, files in found.items():
            if re.search(pattern, path.read_text()):
                files.add(path.relative_to(package).as_posix())
    assert found[r"os\.nice\("] == {"machine/background.py"}
    assert found[r"\bspawn\("] == {"machine/child.py", "machine/processes.py"}
