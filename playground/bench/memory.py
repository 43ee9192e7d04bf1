"""The memory of the app: a real server with a warm worker and a warm map process, with shared memory pages counted once.

Measured as proportional set size (PSS): each page of memory counts for a process by one over the number of processes that have it, so that
the sum over all processes of the server is their total memory. Pages of files that other programs also map (torch's libraries, if
another Python process runs at the same time) count for less.
"""

from __future__ import annotations

import json
import os
import platform
import tempfile
from pathlib import Path
from typing import Any

from playground.bench.serving import serving

GOAL_MB = 1300.0
ROLES = {"playground.runs.worker": "worker", "playground.projection": "maps", "preloader": "preloader"}  # by a part of the command line


def memory() -> dict[str, Any]:
    """{"ratio": all together over the goal, each process's MB, "unit", "machine"}, or {"ratio": None, "absent": why}."""
    if not Path("/proc/self/smaps_rollup").exists():
        return {"ratio": None, "absent": "shared memory is counted only on Linux", "unit": "MB"}
    try:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home, serving(Path(home)) as server:
            found = shares(server.process)
    except RuntimeError as reason:
        return {"ratio": None, "absent": str(reason), "unit": "MB"}
    together = sum(found.values())
    return {"ratio": together / GOAL_MB, "together": together, **found, "unit": "MB", "machine": machine()}


def shares(root: int) -> dict[str, float]:
    """MB (PSS) of a process and of all that descend from it, by role; several of one role are added up."""
    found: dict[str, float] = {}
    for process in family(root):
        role = "server" if process == root else role_of(process)
        found[role] = found.get(role, 0.0) + share(process)
    return found


def share(process: int) -> float:
    """The memory of one process in MB, shared pages divided by those who share them. Raises OSError where it is gone."""
    lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) * 1024 / 1e6


def family(root: int) -> list[int]:
    """A process and all that descend from it."""
    parents: dict[int, list[int]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue  # it has ended meanwhile
        parents.setdefault(parent, []).append(int(folder.name))
    found = [root]
    for each in found:
        found += parents.get(each, [])
    return found


def role_of(process: int) -> str:
    """The role of one of our processes, by its name if it was forked, otherwise by its command line."""
    folder = Path(f"/proc/{process}")
    text = f"playground.{(folder / 'comm').read_text().strip()} {(folder / 'comm').read_text()} " + (folder / "cmdline").read_text()
    return next((role for word, role in ROLES.items() if word in text), "others")


def machine() -> dict[str, Any]:
    """The machine of these measurements."""
    text = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    named = [line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("model name")]
    flags = next((line for line in text.splitlines() if line.startswith("flags")), "").split()
    facts = {"model": named[0] if named else platform.processor(), "amx": "amx_bf16" in flags, "cores": os.cpu_count()}
    return facts | {"system": platform.platform(), "python": platform.python_version()}


if __name__ == "__main__":
    print(json.dumps(memory(), indent=2))
