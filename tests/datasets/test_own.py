import io
import itertools
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from playground import RunConfig, train
from playground.cli import data as data_cli
from playground.datasets import CATALOG, DataError, intake, load_images, own
from playground.datasets.parts import Parts, sizes, split
from playground.diagnostics.limits import bar_limits
from playground.diagnostics.run_context import RunContext
from playground.diagnostics.verdict import judge
from playground.events import Baseline, EvalImages, Metrics, Snapshot, Started, Verdict
from playground.knobs import ConfigError
from playground.methods import CATALOG as METHODS
from playground.ui.settings import read
from support.trainings import trainer_of


def pictures(place, names, gray=False, side=40):
    """Noise, different in each file."""
    random = np.random.default_rng(0)
    for name in names:
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        noise = random.integers(0, 256, (side, side) if gray else (side, side, 3), np.uint8)
        Image.fromarray(noise).save(place / name, "PNG")
    return place


@pytest.fixture
def flat(home):
    """Twenty images without labels, added as own-flat."""
    list(intake.add(pictures(home / "flat", [f"{i}.png" for i in range(20)])))
    return CATALOG["own-flat"]


@pytest.fixture
def labeled(home):
    """Three classes of 20, 10 and 1."""
    names = [f"{kind}/{i}.png" for kind, count in (("cat", 20), ("dog", 10), ("eel", 1)) for i in range(count)]
    list(intake.add(pictures(home / "pets", names)))
    return CATALOG["own-pets"]


def test_a_set_is_a_data_set_as_soon_as_it_is_added_and_until_it_is_removed(home):
    assert "own-flat" not in CATALOG and set(CATALOG) == set(CATALOG.known) and len(CATALOG) == len(CATALOG.known)
    list(intake.add(pictures(home / "flat", [f"{i}.png" for i in range(20)])))
    assert "own-flat" in CATALOG and list(CATALOG)[-1] == "own-flat"
    assert RunConfig(data="own-flat").data.choice.title == "flat"
    own.remove("flat")
    assert "own-flat" not in CATALOG and own.sets() == []
    with pytest.raises(DataError, match=r"^the name must be one of your own datasets \(there is none\), got flat$"):
        own.remove("flat")


@pytest.mark.slow
def test_another_process_sees_it_at_once(home):
    code = "from playground.datasets import CATALOG\nfor line in iter(input, 'end'): print('own-flat' in CATALOG, flush=True)"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:

        def ask():
            other.stdin.write("now\n")
            other.stdin.flush()
            return other.stdout.readline().strip()

        assert ask() == "False"
        list(intake.add(pictures(home / "flat", [f"{i}.png" for i in range(20)])))
        assert ask() == "True"
        own.remove("flat")
        assert ask() == "False"
        other.communicate("end\n")


def test_the_class_stays_the_same_as_long_as_the_set_does(flat, home):
    assert CATALOG["own-flat"] is flat
    assert RunConfig(data="own-flat") == RunConfig(data="own-flat")
    own.remove("flat")
    list(intake.add(pictures(home / "flat", [f"{i}.png" for i in range(30)])))
    assert CATALOG["own-flat"] is not flat and CATALOG["own-flat"].count == 22


def test_a_config_of_it_goes_through_json_and_a_link(flat):
    config = RunConfig(data="own-flat", **{"data.size": 48, "data.fit": "squeeze", "data.split_seed": 3})
    assert RunConfig.from_json(config.to_json()) == config == RunConfig.from_query(config.to_query())
    assert config.data.image_size == 48


@pytest.mark.slow
@pytest.mark.parametrize("method", [name for name in METHODS if name != "supervised"])
def test_every_method_works_out_of_the_box_on_twenty_pictures(method, flat):
    config = RunConfig(data="own-flat", method=method, device="cpu", network=_small(method))
    assert config.batch_size <= config.data.choice.count
    trainer = trainer_of(config)
    assert all(bool(each.isfinite().all()) for each in trainer.update().values())


def _small(method):
    return "resnet-tiny" if "resnet" in METHODS[method].accepts else "vit-tiny"


LABELS = [0] * 100 + [1] * 50 + [2] * 10 + [3] * 3 + [4]
NAMES = [f"{label}/{row}.png" for row, label in enumerate(LABELS)]


def parts_of(names, labels, seed=0):
    """The names in each part."""
    order, count = split(labels, seed, names), sizes(len(names))
    cuts = [0, count.training, count.training + count.watched, len(names)]
    return [{names[row] for row in order[start:end]} for start, end in itertools.pairwise(cuts)]


def test_three_parts_share_no_picture_and_have_of_every_class_its_share():
    parts = parts_of(NAMES, LABELS)
    assert [len(each) for each in parts] == [100, 32, 32] and len(set.union(*parts)) == 164
    for part, share in zip(parts, (0.6, 0.2, 0.2), strict=True):
        found = [sum(name.startswith(f"{label}/") for name in part) for label in range(5)]
        assert all(abs(count - share * total) <= 1 for count, total in zip(found, Counter(LABELS).values(), strict=True))
    assert "4/163.png" in parts[0]  # the only one of its class
    for copies in (2, 3, 10):
        few = parts_of([str(i) for i in range(30 * copies)], [i % 30 for i in range(30 * copies)])
        assert {int(name) % 30 for name in few[0]} == set(range(30))  # every class is taught


def test_the_same_pictures_fall_into_the_same_parts_in_whatever_order_they_come():
    before = parts_of(NAMES, LABELS)
    mixed = torch.randperm(164, generator=torch.Generator().manual_seed(1)).tolist()
    assert parts_of([NAMES[row] for row in mixed], [LABELS[row] for row in mixed]) == before != parts_of(NAMES, LABELS, 1)
    more = parts_of([*NAMES, *(f"0/new{i}.png" for i in range(5))], [*LABELS, *[0] * 5])
    assert sum(name in part for part, now in zip(before, more, strict=True) for name in part & now) >= 160
    equal = split([0] * 40, 0, ["a.png"] * 40)
    assert sorted(equal) == list(range(40))


def test_at_least_half_of_the_pictures_are_trained_on():
    assert [sizes(each) for each in (16, 31, 32, 100)] == [Parts(8, 8, 0), Parts(23, 8, 0), Parts(16, 8, 8), Parts(60, 20, 20)]
    assert [sizes(each) for each in (5000, 100_000)] == [Parts(3000, 1000, 1000), Parts(94_880, 1024, 4096)]
    assert all(sizes(count).training * 2 >= count for count in range(16, 400))


def test_a_set_of_an_earlier_version_keeps_its_two_parts_and_says_that_it_has_no_test(labeled, home):
    """Its runs go on with the very images that they had: the rows are those of the rule of that version."""
    place = home / "data/own/pets/index.json"
    index = json.loads(place.read_text())
    index.pop("parts")
    place.write_text(json.dumps(index))
    kind = CATALOG["own-pets"]
    shuffled = torch.randperm(31, generator=torch.Generator().manual_seed(4)).tolist()
    ranks = {row: [each for each in shuffled if index["labels"][each] == index["labels"][row]].index(row) for row in shuffled}
    ranked = sorted(shuffled, key=lambda row: (ranks[row] + 0.5) / [20, 10, 1][index["labels"][row]])
    assert own.parted(kind.own, 4) == ranked[8:] + ranked[:8]
    assert (kind.count, kind.probe_count, kind.test_count) == (23, 8, 0)
    with pytest.raises(DataError, match="^pets must be added by this version for an evaluation, got .*; add it again$"):
        kind.test(kind.Knobs(), home)


def test_a_set_that_is_too_small_for_a_test_says_how_many_pictures_it_takes(labeled, home):
    with pytest.raises(DataError, match="^pets must have at least 32 images for an evaluation, got 31$"):
        labeled.test(labeled.Knobs(), home)


def test_labels_follow_their_pictures_through_both_parts(home):
    """The red of an image tells its class, its green which one it is."""
    kinds = {"cat": 25, "dog": 14, "eel": 1}
    for red, (kind, count) in enumerate(kinds.items()):
        (home / "pets" / kind).mkdir(parents=True)
        for i in range(count):
            Image.new("RGB", (40, 40), (red, i, 0)).save(home / "pets" / kind / f"{i}.png")
    list(intake.add(home / "pets"))
    own_pets = CATALOG["own-pets"]
    for knobs in (own_pets.Knobs(), own_pets.Knobs(split_seed=5, size=64)):
        list(own_pets.fetch(knobs, home))
        parts = [*own_pets.load(knobs, home), own_pets.test(knobs, home)]
        assert [len(part) for part in parts] == [own_pets.count, own_pets.probe_count, own_pets.test_count] == [24, 8, 8]
        assert all(part.names == {"class": ["cat", "dog", "eel"]} for part in parts)
        assert all(part.pixels[:, 0, 0, 0].tolist() == part.factors["class"].tolist() for part in parts)
        pictures_ = {tuple(each.tolist()) for part in parts for each in part.pixels[:, :2, 0, 0]}
        assert len(pictures_) == 40 and pictures_ == {(red, i) for red, count in enumerate(kinds.values()) for i in range(count)}


def test_it_is_read_from_the_disk_and_not_copied_into_memory(labeled, home):
    images, probe = labeled.load(labeled.Knobs(), home)
    assert images.pixels.data_ptr() + images.pixels.nbytes == probe.pixels.data_ptr()
    maps = Path("/proc/self/maps")
    assert not maps.exists() or str(home / "data/own/pets/prepared") in maps.read_text()


def test_gray_pictures_get_no_color_jitter(home):
    list(intake.add(pictures(home / "scans", [f"{i}.png" for i in range(20)], gray=True)))
    config = RunConfig(data="own-scans")
    assert not config.data.choice.colored
    assert (config.augment.saturation, config.augment.hue, config.augment.grayscale_probability) == (0, 0, 0)
    with pytest.raises(ConfigError, match="colorization: data must have colors, got own-scans, which is gray"):
        RunConfig(data="own-scans", method="colorization")


@pytest.mark.parametrize(("side", "size"), [(20, 32), (40, 32), (50, 48), (300, 64)])
def test_the_size_follows_the_pictures(side, size, home):
    list(intake.add(pictures(home / "x", [f"{i}.png" for i in range(16)], side=side)))
    assert RunConfig(data="own-x").data.image_size == size


def test_the_batch_is_what_the_set_can_feed(flat, labeled):
    assert (flat.count, RunConfig(data="own-flat").batch_size) == (12, 8)
    assert RunConfig(data="own-pets", method="mae").batch_size == 16
    assert RunConfig().batch_size == 256
    with pytest.raises(ConfigError, match="batch_size must be at most 12, the number of images in own-flat, got 16"):
        RunConfig(data="own-flat", batch_size=16)


@pytest.mark.slow
def test_a_run_without_labels_measures_everything_but_accuracy(flat):
    events = list(train(RunConfig(data="own-flat", steps=4, network="resnet-tiny", device="cpu")))
    assert events[-1].status == "finished"
    probe = next(each for each in events if isinstance(each, EvalImages))
    assert probe.images.shape == (8, 32, 32, 3) and probe.labels == {} and probe.names == {}
    values = {name for each in events if isinstance(each, Metrics) for name in each.values}
    assert {"loss", "alignment", "uniformity", "rankme"} <= values and not any(name.startswith("knn/") for name in values)
    assert all(not values for each in events if isinstance(each, Baseline) for values in each.values.values())
    assert all(np.isfinite(each.arrays["pca"]).all() for each in events if isinstance(each, Snapshot))
    assert isinstance(events[-3], Verdict)


@pytest.mark.slow
def test_of_eight_watched_pictures_no_accuracy_is_told_and_nothing_is_claimed(labeled):
    events = list(train(RunConfig(data="own-pets", steps=60, batch_size=8, network="resnet-tiny", device="cpu")))
    assert not any(name.startswith("knn") for each in events if isinstance(each, Metrics) for name in each.values)
    assert next(each for each in events if isinstance(each, Started)).facts["unmeasured"] == {
        "knn/class": "accuracy of class needs at least 20 probe images in two classes or more, two of each class; there are 8 in 2",
        "explained/class": "variance explained by class needs at least 20 probe images, 10 for each of 1 direction; there are 8",
        "explained/average color": "variance explained by average color needs at least 90 probe images, 10 for each of 9 directions; "
        "there are 8",
    }
    assert not any(name.startswith("explained") for each in events if isinstance(each, Metrics) for name in each.values)
    assert not any("explained" in check["what"] for each in events if isinstance(each, Verdict) for check in each.checks)
    said = [each.sentence for each in events if isinstance(each, Verdict)]
    assert said and not any("Neighbors" in each or "%" in each.partition("No collapse")[0].partition("feature std")[0] for each in said)


@pytest.mark.slow
def test_labels_are_measured_where_there_are_enough_beside_chance(home):
    names = [f"{kind}/{i}.png" for kind, count in (("cat", 90), ("dog", 10)) for i in range(count)]
    list(intake.add(pictures(home / "pets", names)))
    events = list(train(RunConfig(data="own-pets", steps=1, batch_size=8, network="resnet-tiny", device="cpu")))
    last = [each.values for each in events if isinstance(each, Metrics) and "knn/class" in each.values][-1]
    assert 0 <= last["knn_balanced/class"] <= last["knn/class"] <= 1
    assert [each.values["chance"] for each in events if isinstance(each, Baseline)] == [{"knn/class": 0.9}]


def test_to_be_told_labels_there_must_be_some(flat):
    with pytest.raises(ConfigError, match="^supervised: data must have labels, got own-flat, which has none$"):
        RunConfig(data="own-flat", method="supervised")


def test_a_few_images_are_not_taken_for_a_collapse():
    """Eight images span seven dimensions, however well they are told apart."""
    values = {"feature_std": 1 / np.sqrt(512), "rankme_centered": 3.0, "uniformity": -2.0, "view_agreement": 0.8, "moved": 0.5}
    few = judge(100, values, {}, RunContext({"backbone": 512}, images=8))
    assert few.state == "healthy" and "about 3 of the 7 dimensions that 8 images can span are in use" in few.sentence
    assert judge(100, values, {}, RunContext({"backbone": 512}, images=1024)).state == "dimensional collapse"


def test_a_probe_of_one_picture_many_times_over_is_judged_and_drawn():
    values = {"feature_std": 0.0, "rankme_centered": 1.0, "uniformity": 0.0, "view_agreement": 1.0, "moved": 0.5}
    verdict = judge(100, values, {}, RunContext({"backbone": 512}, images=1))
    assert verdict.state != "healthy" and verdict.evidence["rank_share"] == 1
    assert bar_limits({"backbone": 512}, 1, guarded=True)["backbone"]["most"] == 1


def test_a_set_that_is_not_here_is_one_sentence(flat):
    sentence = (
        "data must be one of those that `ssl-playground data list` names, got own-gone "
        "(own images exist only on the machine where they were added, until they are removed)"
    )
    with pytest.raises(ConfigError) as error:
        RunConfig(data="own-gone", **{"data.size": 64})
    assert str(error.value) == sentence
    now = read({"data": "own-gone", "data.size": "64", "data.split_seed": "2", "method": "byol"})
    assert {key: each.sentence for key, each in now.problems.items()} == {"data": sentence}
    assert (now.flat["data"], now.flat["method"]) == ("shapes", "byol")
    run = RunConfig(data="own-flat").flat()
    own.remove("flat")
    assert read({"data": "shapes"}, run).flat["data"] == "shapes"  # a run whose dataset is gone can still be looked at


@pytest.mark.slow
def test_files_that_have_gone_since_are_left_out(flat, home):
    load_images.cache_clear()
    (home / "flat/3.png").unlink()
    (home / "flat/4.png").write_text("not an image any more")
    config = RunConfig(data="own-flat", steps=1, network="resnet-tiny", batch_size=4, **{"data.size": 48})
    assert list(train(config))[-1].status == "finished"
    last = list(train(RunConfig(data="own-flat", steps=1, network="resnet-tiny", batch_size=12, **{"data.size": 48})))[-1]
    assert last.status == "failed" and last.message.startswith("flat must have at least 12 training images, as many as a batch, got 10")
    assert sum(len(part) for part in (*config.data.choice.load(config.data, None),)) == 18
    remarks = config.data.choice.remarks(config.data, home)
    assert sum(each.startswith(("1 image was left out", "1 file was left out")) for each in remarks) == 2


@pytest.mark.parametrize(
    ("single", "says"),
    [
        (
            ["heron"],
            "1 class has a single image: heron. One image cannot be used for both training and test, so no accuracy includes this class.",
        ),
        (["gull", "heron"], "2 classes have a single image each: gull, heron. One image cannot be used for both training and test"),
        ([], ""),
    ],
)
def test_a_class_of_a_single_picture_is_named(single, says, home):
    names = [*(f"owl/{i}.png" for i in range(20)), *(f"wren/{i}.png" for i in range(20)), *(f"{each}/1.png" for each in single)]
    list(intake.add(pictures(home / "birds", names)))
    kind = CATALOG["own-birds"]
    said = [each for each in kind.remarks(kind.Knobs(), home) if "single image" in each]
    assert len(said) == bool(single) and all(each.startswith(says) for each in said)
    train, watched, test = (*kind.load(kind.Knobs(), home), kind.test(kind.Knobs(), home))
    for label in (kind.own.classes.index(each) for each in single):
        assert sum(int((part.factors["class"] == label).sum()) for part in (train, watched, test)) == 1


@pytest.mark.slow
@pytest.mark.parametrize(("count", "said"), [(96, ["It has 19 probe images and 19 test images"]), (100, [])])
def test_too_few_pictures_for_an_accuracy_are_said_to_be_before_anybody_asks(count, said, home):
    list(intake.add(pictures(home / "birds", [f"{'owl' if i % 2 else 'wren'}/{i}.png" for i in range(count)])))
    kind = CATALOG["own-birds"]
    found = [each for each in kind.remarks(kind.Knobs(), home) if "accuracy" in each]
    assert [each.partition(":")[0] for each in found] == said


def test_an_index_that_is_no_index_is_no_set(flat, home):
    for i, content in enumerate(["", "[]", "{}", json.dumps({"slug": "x"})]):
        place = home / "data/own" / f"broken{i}"
        place.mkdir()
        (place / "index.json").write_text(content)
    (home / "data/own/empty").mkdir()
    assert [each.name for each in own.sets()] == ["own-flat"]


def test_a_home_that_was_moved_keeps_its_sets_and_what_was_prepared(home, monkeypatch):
    files = [(f"{i}.png", io.BytesIO((pictures(home / "src", [f"{i}.png"]) / f"{i}.png").read_bytes())) for i in range(16)]
    monkeypatch.setenv("SSL_PLAYGROUND_HOME", str(home / "first"))
    list(intake.add_files(files, "kept"))
    (home / "first").rename(home / "second")
    monkeypatch.setenv("SSL_PLAYGROUND_HOME", str(home / "second"))
    kind = CATALOG["own-kept"]
    assert list(kind.fetch(kind.Knobs(), home)) == []
    assert torch.equal(kind.load(kind.Knobs(), home)[0].pixels[0], kind.load(kind.Knobs(), home)[0].pixels[0])


def command(*words):
    """What `ssl-playground data ...` prints, its lines as one."""
    done = CliRunner().invoke(data_cli.app, list(words), env={"COLUMNS": "200"}, catch_exceptions=False)
    return " ".join(done.stdout.split())


def test_names_that_differ_at_their_end_differ_on_a_narrow_terminal(home):
    kinds = ["a" * 80 + end for end in ("owl_1", "owl_2")]
    place = pictures(home / "birds", [f"{kind}/{i}.png" for kind in kinds for i in range(10)])
    command("add", str(place))
    shown = CliRunner().invoke(data_cli.app, ["show", "own-birds"], env={"COLUMNS": "80"}, catch_exceptions=False).stdout
    names = "".join(line[: shown.index("birds: ")].split("  ")[0] for line in shown.splitlines())
    assert len(own.get("birds").classes) == 2 and all(each in names for each in own.get("birds").classes)


@pytest.mark.slow
def test_the_command_line_adds_shows_and_removes(home):
    place = pictures(home / "birds", [f"{kind}/{i}.png" for kind in ("[red]owl", "wren") for i in range(10)])
    (place / "notes.txt").write_text("hello")
    shown = command("add", str(place), "--name", "My [bold]birds")
    assert "own-my-bold-birds My [bold]birds: Your own: 20 images, 2 classes" in shown
    assert "[red]owl 10 wren 10" in shown and "1 file was left out: it is not an image of a known kind" in shown and "notes.txt" in shown
    assert command("show", "my-bold-birds") == shown
    assert "own-my-bold-birds My [bold]birds" in command("list") and "shapes" in command("list")
    with pytest.raises(DataError, match="the name of a dataset must be new"):
        command("add", str(place), "--name", "My [bold]birds")
    with pytest.raises(ValueError, match="--image-column and --label-column are for sources that begin with hf:, got"):
        command("add", str(place), "--label-column", "x")
    assert command("remove", "own-my-bold-birds") == f"own-my-bold-birds (My [bold]birds) is removed; {place} is not changed"
    assert len(list(place.rglob("*.png"))) == 20


@pytest.mark.slow
def test_a_wrong_set_on_the_command_line_is_one_sentence(home):
    done = subprocess.run(
        [sys.executable, "-m", "playground.cli.main", "data", "show", "own-x"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.strip() == "ssl-playground: the name must be one of your own datasets (there is none), got own-x"
