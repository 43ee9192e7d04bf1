import json
import os
import shutil
import subprocess
import sys
import threading

import numpy as np
import pytest
import torch
from PIL import Image

from playground.datasets import DataError, Progress
from playground.datasets.decoding import decode
from playground.datasets.prepared import opened, prepare
from playground.locks import Lock


@pytest.fixture
def files(tmp_path):
    """Fifty images in one color each, two of them no images."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for i in range(50):
        Image.new("RGB", (20, 30), (5 * i, 0, 255 - 5 * i)).save(folder / f"{i:02}.png")
    (folder / "07.png").write_bytes(b"")
    (folder / "31.png").write_text("not an image")
    return sorted(folder.iterdir())


@pytest.fixture
def into(tmp_path):
    return tmp_path / "prepared" / "set-8-crop.npy"


def names(into):
    return sorted(each.name for each in into.parent.iterdir())


def test_every_file_becomes_a_row_in_order_and_what_is_skipped_has_a_reason(files, into):
    steps = list(prepare(files, into, 8, "crop", "squares"))
    assert {each.what for each in steps} == {"squares"} and {each.unit for each in steps} == {"images"}
    assert [each.done for each in steps] == sorted(each.done for each in steps)
    assert (steps[0].done, steps[-1].done, steps[-1].total) == (0, 50, 50)
    made = opened(into)
    assert made.kept == [i for i in range(50) if i not in (7, 31)]
    assert [(os.path.basename(file), reason.split(":")[0]) for file, reason in made.skipped] == [
        ("07.png", "the file is empty"),
        ("31.png", "the image is damaged, or its ending is wrong"),
    ]
    assert made.pixels.shape == (48, 3, 8, 8) and made.pixels.dtype == torch.uint8
    for row, kept in enumerate(made.kept):
        assert np.array_equal(made.pixels[row].numpy(), decode(files[kept], 8, "crop"))
    assert names(into) == [".set-8-crop.npy.lock", "set-8-crop.json", "set-8-crop.npy"]
    assert np.load(into).shape == (48, 3, 8, 8)


def test_what_is_prepared_is_opened_at_once_until_a_file_changes(files, into):
    list(prepare(files, into, 8, "crop", "squares"))
    before = into.stat().st_mtime_ns
    assert list(prepare(files, into, 8, "crop", "squares")) == []
    assert into.stat().st_mtime_ns == before
    held = opened(into).pixels
    Image.new("RGB", (9, 9), (1, 2, 3)).save(files[0])
    os.utime(files[0], ns=(1, 1))
    assert list(prepare(files, into, 8, "crop", "squares"))[-1].done == 50
    assert opened(into).pixels[0, :, 0, 0].tolist() == [1, 2, 3]
    assert held[0, :, 0, 0].tolist() == [0, 0, 255]  # whoever trains on the old file goes on with it
    assert list(prepare(files[1:], into, 8, "crop", "squares"))[-1].total == 49


def test_a_preparation_that_is_given_up_leaves_nothing(files, into):
    steps = prepare(files, into, 8, "crop", "squares")
    next(steps), next(steps)
    assert any(each.endswith(".part") for each in names(into))
    steps.close()
    assert names(into) == [".set-8-crop.npy.lock"]
    with pytest.raises(DataError, match=r"set-8-crop\.npy must be prepared before it is opened"):
        opened(into)
    assert list(prepare(files, into, 8, "crop", "squares"))[-1].done == 50  # and the next one may begin


def test_a_file_without_its_note_is_not_taken_for_whole(files, into):
    list(prepare(files, into, 8, "crop", "squares"))
    note = into.with_suffix(".json")
    content = json.loads(note.read_text())
    for spoiled in ("", "[]", json.dumps(content | {"kept": content["kept"][:-1]})):
        note.write_text(spoiled)
        with pytest.raises(DataError):
            opened(into)
    note.unlink()
    assert list(prepare(files, into, 8, "crop", "squares"))[-1].done == 50


def test_a_new_file_is_never_taken_with_the_note_of_the_old_one(files, into, monkeypatch):
    """The process dies between writing the one and the other."""
    list(prepare(files, into, 8, "crop", "squares"))
    with monkeypatch.context() as broken, pytest.raises(KeyboardInterrupt):
        broken.setattr(json, "dumps", lambda *values: (_ for _ in ()).throw(KeyboardInterrupt))
        list(prepare(files[::-1], into, 8, "crop", "squares"))
    with pytest.raises(DataError, match="must be prepared before it is opened"):
        opened(into)


def test_nothing_but_damaged_files_is_an_error_that_names_the_first(files, into):
    with pytest.raises(
        DataError, match=r"^squares must have images that can be read, got 2 files and none of them; the first, 07\.png: the"
    ):
        list(prepare([files[7], files[31]], into, 8, "crop", "squares"))
    with pytest.raises(DataError, match="got no files"):
        list(prepare([], into, 8, "crop", "squares"))
    assert names(into) == [".set-8-crop.npy.lock"]


def test_a_full_disk_is_found_before_the_work(files, into, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: shutil._ntuple_diskusage(1 << 40, 1 << 40, 1_000_000))
    with pytest.raises(DataError, match=r"^squares needs 0 MB of disk space in .*prepared, and 67 MB more, got 1 MB free$"):
        list(prepare(files, into, 8, "crop", "squares"))


@pytest.mark.slow
def test_a_second_one_waits_and_then_finds_it_ready(files, into):
    into.parent.mkdir()
    holder = Lock(into.with_name(f".{into.name}.lock"))
    assert holder.take()
    second = prepare(files, into, 8, "crop", "squares")
    assert next(second) == Progress("squares (another process is working on it: waiting)", 0, 0)
    holder.release()
    assert list(second)[-1].done == 50


@pytest.mark.slow
def test_processes_that_prepare_the_same_at_once_do_it_once(files, into):
    code = (
        "import sys; from pathlib import Path; from playground.datasets.prepared import prepare\n"
        "files = sorted(Path(sys.argv[1]).iterdir())\n"
        "print(sum(each.total > 0 for each in prepare(files, Path(sys.argv[2]), 8, 'crop', 'squares')))"
    )
    command = [sys.executable, "-c", code, str(files[0].parent), str(into)]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    did = sorted(int(each.communicate()[0]) for each in both)
    assert did[0] == 0 and did[1] > 0
    assert len(opened(into).pixels) == 48


@pytest.mark.slow
def test_threads_of_one_process_take_turns_too(files, into):
    lasts = []
    threads = [threading.Thread(target=lambda: lasts.append(list(prepare(files, into, 8, "crop", "squares")))) for _ in range(3)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sum(any(step.total for step in steps) for steps in lasts) == 1
