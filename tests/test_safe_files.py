"""Files that are whole or not at all: what is cut, changed or of an older version, in every format that a run keeps."""

import ast
import io
import json
import os
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from playground import safe_files
from playground.safe_files import Damaged

NOISE = np.random.default_rng(0).integers(0, 255, (40, 40, 3), dtype=np.uint8)
FORMATS = {
    "a.json": (lambda file: file.write(json.dumps(NOISE.tolist()).encode()), json.load),
    "a.npz": (lambda file: np.savez(file, x=NOISE), lambda file: dict(np.load(file))),
    "a.npy": (lambda file: np.save(file, NOISE), np.load),
    "a.pt": (lambda file: torch.save({"x": torch.arange(1000)}, file), lambda file: torch.load(file)),
    "a.png": (lambda file: Image.fromarray(NOISE).save(file, "PNG"), lambda file: np.array(Image.open(file))),
}


@pytest.fixture(params=FORMATS)
def kept(request, tmp_path):
    """(path, parse) of a file that was saved."""
    write, parse = FORMATS[request.param]
    safe_files.save(tmp_path / request.param, write)
    return tmp_path / request.param, parse


def unsealed(path):
    """As an older version wrote it."""
    path.write_bytes(safe_files.read(path))


def test_a_file_is_read_as_it_was_written_and_leaves_nothing_beside_it(kept):
    path, parse = kept
    assert safe_files.whole(path) and safe_files.parsed(path, parse) is not None
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_other_readers_do_not_mind_the_check_sum(kept):
    path, parse = kept
    if path.suffix != ".json":
        with open(path, "rb") as file:
            assert parse(file) is not None


@pytest.mark.parametrize("part", [0.0, 0.5, 0.9])
def test_a_cut_file_is_damaged_with_a_check_sum_or_without(kept, part):
    path, parse = kept
    for age in (lambda path: None, unsealed):
        age(path)
        path.write_bytes(path.read_bytes()[: int(part * path.stat().st_size)])
        with pytest.raises(Damaged, match=f"{path.name} is damaged"):
            safe_files.parsed(path, parse)
        if path.suffix != ".npy":  # has no end that could be looked for
            assert not safe_files.whole(path)
        path.unlink()
        safe_files.save(path, FORMATS[path.name][0])


def test_one_changed_bit_is_found_when_the_file_is_read(kept):
    path, _ = kept
    data = bytearray(path.read_bytes())
    data[len(safe_files.read(path)) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(Damaged, match="its checksum does not match its content"):
        safe_files.read(path)


def test_a_file_of_an_older_version_opens(kept):
    path, parse = kept
    unsealed(path)
    assert safe_files.whole(path) and safe_files.parsed(path, parse) is not None


@pytest.mark.slow
def test_a_reader_beside_a_writer_sees_one_whole_file_or_the_other(tmp_path):
    path, stop = tmp_path / "a.bin", threading.Event()
    safe_files.save(path, lambda file: file.write(b"0" * 50_000))

    def write():
        for digit in b"123456789" * 10:
            safe_files.save(path, lambda file, digit=digit: file.write(bytes([digit]) * 50_000))
        stop.set()

    writer = threading.Thread(target=write)
    writer.start()
    while not stop.is_set():
        assert len(set(safe_files.read(path))) == 1
    writer.join()


def test_a_write_that_fails_leaves_the_file_of_before(tmp_path):
    path = tmp_path / "a.json"
    safe_files.save(path, lambda file: file.write(b"{}"))

    def fail(file):
        file.write(b"half")
        raise KeyError("the writer has a fault")

    with pytest.raises(KeyError):
        safe_files.save(path, fail)
    assert safe_files.read(path) == b"{}" and [each.name for each in tmp_path.iterdir()] == ["a.json"]


def test_what_the_parser_cannot_make_sense_of_is_its_own_error_where_the_content_is_as_written(tmp_path):
    safe_files.save(tmp_path / "a.json", lambda file: file.write(b"of another version"))
    with pytest.raises(json.JSONDecodeError):
        safe_files.parsed(tmp_path / "a.json", lambda file: json.load(io.TextIOWrapper(file)))


def test_a_file_is_on_the_disk_before_it_has_its_name(tmp_path, monkeypatch):
    calls = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda number: calls.append(("fsync", os.fstat(number).st_size)) or fsync(number))
    monkeypatch.setattr(os, "replace", lambda part, path: calls.append(("replace", os.stat(part).st_size)) or replace(part, path))
    safe_files.save(tmp_path / "a.json", lambda file: file.write(b"[1]"))
    size = (tmp_path / "a.json").stat().st_size
    assert calls == [("fsync", size), ("replace", size)]


@pytest.mark.slow
def test_no_other_module_gives_whole_files_their_names():
    package = Path(safe_files.__file__).parent
    for path in package.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "replace" and not node.keywords:
                moves = len(node.args) == 1 or ast.unparse(node.func) == "os.replace"
                # What is unpacked from an archive is folders.
                assert not moves or path.name in ("safe_files.py", "archives.py"), f"{path}:{node.lineno}"


def test_a_file_that_can_be_made_again_is_not_waited_for(tmp_path, monkeypatch):
    waited = []
    monkeypatch.setattr(safe_files.os, "fsync", waited.append)
    with safe_files.made_again():
        safe_files.save(tmp_path / "quick", lambda file: file.write(b"x"))
    assert safe_files.read(tmp_path / "quick") == b"x" and not waited
    safe_files.save(tmp_path / "lasting", lambda file: file.write(b"x"))
    assert len(waited) == 1
