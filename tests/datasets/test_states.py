import os
import shutil

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from playground import RunConfig, train
from playground.cli import data as data_cli
from playground.datasets import CATALOG, DataError, intake, load_images, own, states
from playground.events import Checkpoint, Started

CHANCE = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def looks_anew(monkeypatch):
    """Every look at a folder is a new one."""
    monkeypatch.setattr(states, "FRESH", -1.0)
    monkeypatch.setattr(states, "SHARE", 0)


def drawn(*paths):
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(CHANCE.integers(0, 256, (40, 40, 3), np.uint8)).save(path)


@pytest.fixture
def place(home):
    """Forty images in two classes, added as own-birds."""
    drawn(*(home / "birds" / kind / f"{row:02}.png" for kind in ("owl", "wren") for row in range(20)))
    (home / "birds/notes.txt").write_text("hello")
    list(intake.add(home / "birds"))
    return home / "birds"


def told(name="own-birds"):
    change = CATALOG[name].change()
    return change and change.describe()


def test_a_folder_that_is_as_it_was_says_nothing(place):
    (place / "owl/.hidden").write_text("x")
    (place / "link.png").symlink_to(place / "owl/00.png")
    assert told() is None and CATALOG["own-birds"].notices(None, None) == []


def test_new_pictures_and_classes_are_counted_and_what_is_no_picture_is_not(place):
    drawn(place / "owl/99.png", place / "jay/0.png", place / "jay/1.png")
    (place / "owl/more.txt").write_text("no picture")
    (place / "notes.txt").write_text("another text")
    assert told() == "3 new (new folders: jay)"


def test_gone_and_rewritten_pictures_are_counted(place):
    (place / "owl/03.png").unlink()
    drawn(place / "wren/04.png")
    os.utime(place / "wren/05.png", ns=(1, 1))
    assert told() == "1 deleted, 2 changed"
    shutil.rmtree(place)
    assert told() == "the folder does not exist"


def test_a_look_is_good_for_a_while(place, monkeypatch):
    monkeypatch.setattr(states, "FRESH", 1000.0)
    assert told() is None
    (place / "owl/03.png").unlink()
    assert told() is None
    states.forget()
    assert told() == "1 deleted"


@pytest.mark.slow
def test_a_run_trains_on_the_state_that_was_read_and_says_so(place):
    kind = CATALOG["own-birds"]
    before = [part.pixels.clone() for part in kind.load(kind.Knobs(), None)]
    (place / "owl/03.png").unlink()
    drawn(place / "wren/04.png", place / "jay/0.png")
    assert list(kind.fetch(kind.Knobs(), None)) == []
    load_images.cache_clear()
    assert all((was == now.pixels).all() for was, now in zip(before, kind.load(kind.Knobs(), None), strict=True))
    events = list(train(RunConfig(data="own-birds", steps=1, network="resnet-tiny", device="cpu")))
    facts = next(each for each in events if isinstance(each, Started)).facts["data"]
    assert facts["state"] == kind.own.state and facts["since"] == "1 new (new folders: jay), 1 deleted, 1 changed"
    assert facts["read"] == states.date(kind.own.read)
    assert events[-1].status == "finished"


def test_another_size_is_made_of_what_is_still_there(place):
    kind = CATALOG["own-birds"]
    (place / "owl/03.png").unlink()
    knobs = kind.Knobs(size=48)
    list(kind.fetch(knobs, None))
    parts = [*kind.load(knobs, None), kind.test(knobs, None)]
    assert sum(map(len, parts)) == 39
    whole = [*kind.load(kind.Knobs(), None), kind.test(kind.Knobs(), None)]
    lost = [len(was) - len(now) for was, now in zip(whole, parts, strict=True)]
    assert sorted(lost) == [0, 0, 1]
    for was, now in zip(whole, parts, strict=True):  # labels stay with their images
        if len(was) == len(now):
            assert (was.factors["class"] == now.factors["class"]).all()
    assert any("it cannot be opened" in each and "03.png" in each for each in kind.remarks(knobs, None))


def test_where_too_few_are_left_it_is_one_sentence(place):
    kind = CATALOG["own-birds"]
    shutil.rmtree(place / "owl")
    for row in range(12):
        (place / f"wren/{row:02}.png").unlink()
    knobs = kind.Knobs(size=48)
    list(kind.fetch(knobs, None))
    with pytest.raises(DataError, match=r"^birds must have at least 16 images that can still be read, got \d+; read it again$"):
        kind.load(knobs, None)


@pytest.mark.slow
def test_it_is_read_again_with_all_that_is_there_now(place):
    old = CATALOG["own-birds"]
    (place / "owl/03.png").unlink()
    drawn(*(place / f"jay/{row}.png" for row in range(5)))
    list(intake.read_again("birds"))
    new = CATALOG["own-birds"]
    assert new.own.counts() == {"jay": 5, "owl": 19, "wren": 20} and new.own.state != old.own.state and told() is None
    parts = [*new.load(new.Knobs(), None), new.test(new.Knobs(), None)]
    assert sum(map(len, parts)) == 44
    assert sorted(os.listdir(own.root())) == ["birds"]


def test_a_set_that_cannot_be_read_again_stays_as_it_was(place):
    before = own.get("birds")
    shutil.rmtree(place / "owl")
    for row in range(12):
        (place / f"wren/{row:02}.png").unlink()
    with pytest.raises(DataError, match="birds must have at least 16 images"):
        list(intake.read_again("birds"))
    shutil.rmtree(place)
    with pytest.raises(DataError, match=f"^birds must be in {place} to be read again, got no folder there$"):
        list(intake.read_again("birds"))
    kind = CATALOG["own-birds"]
    assert own.get("birds") == before and len(kind.load(kind.Knobs(), None)[0]) == 24


@pytest.mark.slow
def test_labels_of_a_copied_set_can_be_told_again_and_nothing_is_lost(home):
    names = [f"{part}/{kind}/{row}.png" for part in ("seg_train", "seg_test") for kind in ("ice", "sea") for row in range(10)] + [
        "cover.png"
    ]
    drawn(*(home / "sent" / name for name in names))
    files = [(name, (home / "sent" / name).open("rb")) for name in names]
    list(intake.add_files(files, "Sent"))
    assert own.get("sent").counts() == {"ice": 20, "sea": 20}
    assert own.get("sent").skipped == [["cover.png", "outside of the class folders"]]
    list(intake.read_again("sent", "folders"))
    assert own.get("sent").counts() == {"seg_test": 20, "seg_train": 20}
    list(intake.read_again("sent", "none"))
    assert len(own.get("sent").files) == 41 and own.get("sent").skipped == [] and own.get("sent").labels == []
    kind = CATALOG["own-sent"]
    assert sum(map(len, [*kind.load(kind.Knobs(), None), kind.test(kind.Knobs(), None)])) == 41
    list(intake.read_again("sent", "auto"))
    assert own.get("sent").counts() == {"ice": 20, "sea": 20} and len(os.listdir(home / "data/own/sent/files")) == 41
    for _, file in files:
        file.close()


def command(*words):
    done = CliRunner().invoke(data_cli.app, list(words), env={"COLUMNS": "300"}, catch_exceptions=False)
    return " ".join(done.stdout.split())


@pytest.mark.slow
def test_the_command_line_says_what_has_changed_and_reads_again(place):
    (place / "owl/03.png").unlink()
    sentence = f"{place} has changed since it was read on {states.date(own.get('birds').read)}: 1 deleted."
    assert sentence in command("show", "own-birds") and sentence in command("list")
    assert "owl 19" in command("refresh", "own-birds") and sentence not in command("list")
    assert "no labels" in command("refresh", "own-birds", "--labels", "none")
    with pytest.raises(ValueError, match="^--labels must be one of auto, table, subfolders, folders, none, got x$"):
        command("refresh", "own-birds", "--labels", "x")


@pytest.mark.slow
def test_a_run_goes_on_with_the_pictures_that_it_began_with_alone(place):
    config = RunConfig(data="own-birds", steps=2, network="resnet-tiny", device="cpu")
    state = [each for each in train(config) if isinstance(each, Checkpoint)][-1].state
    assert list(train(config, checkpoint=state))[-1].status == "finished"
    before = own.get("birds").state
    (place / "owl/03.png").unlink()
    list(intake.read_again("birds"))
    load_images.cache_clear()
    last = list(train(RunConfig(**config.flat()), checkpoint=state))[-1]
    assert last.status == "failed" and last.message.startswith(f"birds must be unchanged since the run began, state {before}, to continue")
