"""Real disks that are small, full or read-only, for tests; where this machine allows none, they say so."""

import shutil
import subprocess
from contextlib import contextmanager

import pytest


@contextmanager
def small_disk(folder, size="6m"):
    """A file system of its own in `folder`."""
    folder.mkdir(exist_ok=True)
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], capture_output=True, text=True, check=False)
    if made.returncode:
        pytest.skip(f"no file system can be mounted here: {made.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder):
    """Leaves no byte free; removing the file that this returns makes room again."""
    filler = folder / "filler"
    with open(filler, "ab", buffering=0) as file:
        for piece in (1 << 16, 1 << 12, 1):
            try:
                while file.write(bytes(piece)) == piece:
                    continue
            except OSError:
                continue
    return filler


@contextmanager
def read_only(folder):
    """Nothing can be written to this file system meanwhile."""
    subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["mount", "-o", "remount,rw", str(folder)], check=True)


@contextmanager
def breaking_disk(folder, megabytes=40):
    """A file system of its own in `folder`, and what makes it break as a worn-out card does: from then on it is read-only, also for
    files that are open. It stays so."""
    image = folder.with_suffix(".img")
    with open(image, "wb") as file:
        file.truncate(megabytes << 20)
    folder.mkdir()
    for command in (["mkfs.ext4", "-q", str(image)], ["mount", "-o", "loop,errors=remount-ro", str(image), str(folder)]):
        if shutil.which(command[0]) is None or (made := subprocess.run(command, capture_output=True, text=True, check=False)).returncode:
            pytest.skip(
                f"no file system can be made here: {command[0]} {made.stderr.strip() if shutil.which(command[0]) else 'is missing'}"
            )
    try:
        yield folder, lambda: subprocess.run(["mount", "-o", "remount,abort", str(folder)], capture_output=True, check=False)
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)
