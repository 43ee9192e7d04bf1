import contextlib
import errno
import hashlib
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from playground.datasets import DataError, turns
from playground.datasets.download import fetch, whole
from playground.datasets.turns import alone
from playground.home import HomeError

CONTENT = bytes(range(256)) * 4000  # about a megabyte, in four pieces
MD5 = hashlib.md5(CONTENT).hexdigest()


@pytest.fixture
def url(server):
    return server.put("data.bin", CONTENT)[0]


@pytest.fixture
def target(tmp_path):
    return tmp_path / "kept" / "data.bin"


def part_of(target):
    return target.with_name("data.bin.part")


def kept(target):
    """What lies there, but for the empty lock."""
    return sorted(file.name for file in target.parent.iterdir() if not file.name.startswith("."))


def test_a_download_shows_progress_and_is_not_repeated(server, url, target):
    steps = list(fetch([server.address + "absent.bin", url], target, MD5))
    assert [step.done for step in steps] == sorted(step.done for step in steps)
    assert steps[-1].done == steps[-1].total == len(CONTENT)
    assert target.read_bytes() == CONTENT and kept(target) == ["data.bin"]
    assert list(fetch([url], target, MD5)) == []
    assert len(server.asked) == 2


@pytest.mark.parametrize("digest", [MD5, hashlib.sha256(CONTENT).hexdigest()])
def test_a_file_that_arrives_damaged_is_not_kept(server, target, digest):
    url, _ = server.put("data.bin", b"not what was asked for")
    kind = "sha256" if len(digest) == 64 else "md5"
    with pytest.raises(DataError, match=rf"data\.bin must be in .* got no complete copy from .* \(its {kind} is \w+, not {digest}\)"):
        list(fetch([url], target, digest))
    assert kept(target) == []


def test_a_file_that_was_damaged_later_is_fetched_again(url, target):
    list(fetch([url], target, MD5))
    target.write_bytes(CONTENT[:-1] + b"?")
    assert not whole(target, MD5)
    list(fetch([url], target, MD5))
    assert target.read_bytes() == CONTENT


def test_a_connection_that_breaks_is_pen_for_where_it_broke(server, url, target):
    server.cut = 300_000
    steps = list(fetch([url], target, MD5))
    assert [wanted for _, wanted in server.asked] == [None, "bytes=300000-", "bytes=600000-", "bytes=900000-"]
    assert [step.done for step in steps] == sorted(step.done for step in steps)
    assert {step.total for step in steps} == {len(CONTENT)}
    assert target.read_bytes() == CONTENT


def test_a_server_that_cannot_go_on_in_the_middle_begins_anew(server, url, target):
    server.cut, server.ranges = 300_000, False
    with pytest.raises(DataError, match=r"\(the connection ended after 300,000 of 1,024,000 bytes\)$"):
        list(fetch([url], target, MD5))
    assert len(server.asked) == 2 and part_of(target).stat().st_size == 300_000
    server.cut = None
    list(fetch([url], target, MD5))
    assert server.asked[-1] == ("data.bin", "bytes=300000-") and target.read_bytes() == CONTENT


def test_without_a_checksum_the_length_counts(server, url, target):
    server.cut, server.ranges = 300_000, False
    with pytest.raises(DataError, match="the connection ended"):
        list(fetch([url], target))
    assert not whole(target)
    server.cut = None
    list(fetch([url], target))
    assert target.read_bytes() == CONTENT


def test_who_stops_asking_leaves_the_part_and_lets_the_next_one_in(server, url, target):
    with contextlib.closing(fetch([url], target, MD5)) as steps:
        while next(steps).done < len(CONTENT) // 2:
            pass
    begun = part_of(target).stat().st_size
    assert len(CONTENT) // 2 <= begun < len(CONTENT)
    steps = fetch([url], target, MD5)
    first = next(steps)
    assert (first.what, first.done) == ("data.bin", begun)
    list(steps)
    assert server.asked[-1] == ("data.bin", f"bytes={begun}-") and target.read_bytes() == CONTENT


@pytest.mark.parametrize("begun", [b"?" * 300_000, CONTENT, CONTENT + b"too much"], ids=["another file", "all of it", "more than all"])
def test_a_part_that_cannot_be_the_beginning_is_thrown_away(url, target, begun):
    target.parent.mkdir()
    part_of(target).write_bytes(begun)
    list(fetch([url], target, MD5))
    assert target.read_bytes() == CONTENT and kept(target) == ["data.bin"]


def test_two_at_once_download_once(server, url, target, monkeypatch):
    monkeypatch.setattr(turns, "LOOK", 0.02)
    server.gate.clear()
    first = threading.Thread(target=lambda: list(fetch([url], target, MD5)))
    first.start()
    wait_for(lambda: part_of(target).exists())
    second = fetch([url], target, MD5)
    assert next(second).what == "data.bin (another process is working on it: waiting)"
    server.gate.set()
    assert {step.done for step in second} <= {0}
    first.join()
    assert len(server.asked) == 1 and target.read_bytes() == CONTENT


@pytest.mark.slow
def test_a_process_that_is_killed_leaves_its_part_and_no_lock(server, url, target, monkeypatch):
    monkeypatch.setattr(turns, "LOOK", 0.02)
    server.gate.clear()
    code = "import sys, pathlib, playground.datasets.download as d; list(d.fetch([sys.argv[1]], pathlib.Path(sys.argv[2])))"
    other = subprocess.Popen([sys.executable, "-c", code, url, str(target)])
    try:
        wait_for(lambda: part_of(target).exists() and part_of(target).stat().st_size)
        ours = fetch([url], target, MD5)
        assert "waiting" in next(ours).what
    finally:
        other.kill()
        other.wait()
    begun = part_of(target).stat().st_size
    server.gate.set()
    list(ours)
    assert server.asked[-1] == ("data.bin", f"bytes={begun}-") and target.read_bytes() == CONTENT


def wait_for(what):
    deadline = time.monotonic() + 60
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_no_network_is_said_in_one_sentence(target, monkeypatch):
    def lookup(*values, **more):
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    with pytest.raises(DataError) as refusal:
        list(fetch(["http://far.example/data.bin"], target, MD5))
    assert str(refusal.value) == (
        f"data.bin must be in {target.parent} or be downloaded, got no complete copy from "
        "http://far.example/data.bin (no network: Temporary failure in name resolution)"
    )
    assert kept(target) == []


@pytest.mark.parametrize(("url", "reason"), [("http://127.0.0.1:9/x", "Connection refused"), ("nonsense", "unknown url type: 'nonsense'")])
def test_every_mirror_that_fails_says_why(server, target, url, reason):
    with pytest.raises(DataError, match=rf"\({reason}\); {re.escape(server.address)}absent \(404 Not Found\)$"):
        list(fetch([url, server.address + "absent"], target, MD5))


def test_a_disk_with_too_little_room_is_left_alone(url, target, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: shutil._ntuple_diskusage(10**9, 10**9 - 10**6, 10**6))
    with pytest.raises(DataError, match=r"data\.bin needs 1 MB of disk space in .*kept, and 67 MB more, got 1 MB free$"):
        list(fetch([url], target, MD5))
    assert part_of(target).exists() is False


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no disk here that is always full")
def test_a_disk_that_is_full_after_all_is_said_in_one_sentence(url, target):
    target.parent.mkdir()
    part_of(target).symlink_to("/dev/full")
    with pytest.raises(HomeError, match=r"data\.bin cannot be written because there is no space left \(disk .* free\): free some space"):
        list(fetch([url], target, MD5))


def test_a_folder_that_cannot_be_written_is_said_in_one_sentence(url, tmp_path):
    (tmp_path / "kept").write_text("a file where a folder should be")
    with pytest.raises(DataError, match=r"^data\.bin must be written to .*kept, got "):
        list(fetch([url], tmp_path / "kept" / "data.bin", MD5))


def test_work_that_fails_lets_the_next_one_in(tmp_path):
    def fail():
        yield from ()
        raise OSError(errno.EIO, "Input/output error")

    with pytest.raises(HomeError, match="birds cannot be written because the disk reports an error"):
        list(alone(tmp_path / "birds", "birds", fail))
    assert next(alone(tmp_path / "birds", "birds", lambda: iter([1]))) == 1
