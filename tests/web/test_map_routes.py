"""Maps of real tiny runs over a real socket, and of runs that lack this or that."""

import base64
import io
import itertools
import json
import queue
import shutil
import sqlite3
import struct
import sys
import zlib

import numpy as np
import pytest
import torch
from PIL import Image

from playground import RunConfig, train
from playground.analysis import maps
from playground.events import Checkpoint, Snapshot, TakeStep, Weights
from playground.machine.child import PACKAGE
from playground.projection import LayoutWorker
from playground.runs.points import images_here, points_of
from playground.runs.trained import trained
from playground.web.landing import squared
from support.serving import Served
from support.trainings import tiny_config

pytestmark = pytest.mark.slow  # over runs that are trained first

FLAT = {"steps": 2, "method.projection_size": 3}
# The real process, but for UMAP, which takes half a minute to compile itself: PCA at ten times the size stands in for it.
QUICK = f"""
import sys; sys.path.insert(0, {str(PACKAGE)!r})
from playground.projection import process, pca
process.LAYOUTS["umap"] = lambda features, previous=None, **_: 10 * pca(features)
process.main()
"""


class QuickProjector(LayoutWorker):
    command = (sys.executable, "-c", QUICK)


def older(event):
    """What a version wrote that kept neither weights nor the projector's output."""
    if isinstance(event, Snapshot):
        return Snapshot(event.step, {name: each for name, each in event.arrays.items() if name != "projection"})
    return event


VERSIONS = {  # one training, as several versions of the program would have kept it
    "simclr": lambda event: event,
    "unmeasured": older,
    "old": lambda event: None if isinstance(event, Weights | Checkpoint) else older(event),
    "broken": lambda event: event,
    "leaving": lambda event: event,
    "constant": lambda event: constant(event) if isinstance(event, Snapshot) else event,
}


def constant(event):
    flat = {name: np.ones_like(event.arrays[name]) for name in ("embedding", "projection")}
    return Snapshot(event.step, event.arrays | flat)


class WithRuns(Served):
    """A server with runs of many kinds."""

    def __init__(self, home):
        super().__init__(home, "/api/runs/", projector=QuickProjector)
        self.runs = {name: self.store.create(tiny_config(**FLAT)) for name in VERSIONS}
        self.train(tiny_config(**FLAT), {self.runs[name]: change for name, change in VERSIONS.items()})
        vit = tiny_config(method="mae", network="vit-tiny", steps=1)
        self.runs |= {"mae": self.store.create(vit), "empty": self.store.create(vit)}
        self.train(vit, {self.runs["mae"]: lambda event: event})
        self.runs["elsewhere"] = self.store.create(RunConfig(data="cifar10"))
        with sqlite3.connect(home / "playground.db") as db:
            db.execute("UPDATE runs SET config = json_set(config, '$.\"method.forgotten\"', 1) WHERE id = ?", (self.runs["broken"],))

    def train(self, config, kept):
        commands = queue.SimpleQueue()
        for _ in range(config.steps):
            commands.put(TakeStep())  # each of which is measured, and its weights kept
        for event in train(config, commands=commands):
            for run, change in kept.items():
                if (found := change(event)) is not None:
                    self.store.write(run, found)

    def get(self, name, what, **query):
        return self.http.get(f"{self.runs.get(name, name)}/{what}", params=query)

    def send(self, name, data, **query):
        return self.http.post(f"{self.runs[name]}/land", params=query, content=data)

    def folder(self, name):
        return self.store.folder(self.runs[name])


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    with WithRuns(tmp_path_factory.mktemp("home")) as served:
        yield served


def unpacked(array):
    return np.frombuffer(base64.b64decode(array["data"]), np.float32).reshape(array["shape"])


def frame(served, name, step, **query):
    found = served.get(name, f"map/{step}", **query)
    assert found.status_code == 200, found.text
    return unpacked(found.json()["xy"])


def png(pixels):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format="PNG")
    return file.getvalue()


def tile(served, name, number):
    probe = served.folder(name).probe()
    row, column = divmod(number, probe["columns"])
    sheet = np.array(Image.open(served.folder(name).path / "sprites.png").convert("RGB"))
    return sheet[row * 32 : row * 32 + 32, column * 32 : column * 32 + 32]


# What there is


def test_a_run_says_what_can_be_shown_of_it(served):
    found = served.get("simclr", "map", layer="projector", kind="sphere").json()
    assert found["steps"] == served.folder("simclr").steps() and found["layers"] == ["backbone", "projector"]
    assert found["kinds"] == {"backbone": ["umap", "pca", "pca3", "tsne"], "projector": ["umap", "pca", "pca3", "tsne", "sphere"]}
    assert (found["dimensions"], found["status"], found["notes"]) == (3, "finished", [])
    probe = served.folder("simclr").probe()
    assert {name: found["points"][name] for name in probe} == probe
    assert found["points"]["sprites"] == f"runs/{served.runs['simclr']}/sprites.png"


@pytest.mark.parametrize(
    ("name", "layer", "steps", "sentence"),
    [
        ("old", "backbone", 3, "No other picture can be placed on this map, and no training image shown: run"),
        ("old", "projector", 0, "Nothing was kept of this layer: the run is of an older version."),
        ("broken", "projector", 3, "must be of this version of the program to be looked through"),
        ("empty", "backbone", 0, "Nothing was measured yet"),
        ("mae", "projector", 0, "its method has none"),
    ],
)
def test_what_cannot_be_shown_is_said_and_the_rest_is_shown(served, name, layer, steps, sentence):
    found = served.get(name, "map", layer=layer).json()
    assert len(found["steps"]) == steps and any(sentence in note for note in found["notes"])
    for step in found["steps"]:
        assert len(frame(served, name, step, layer=layer, kind="pca")) == found["points"]["count"]


# Frames


@pytest.mark.parametrize("kind", ["pca", "pca3", "umap", "tsne", "sphere"])
def test_frames_come_the_same_in_any_order_and_lie_as_those_before(served, kind):
    query = {"kind": kind, "layer": "projector"}
    last = frame(served, "simclr", 2, **query)
    assert served.get("simclr", "map", **query).json()["ready"] == [0, 1, 2]
    shutil.rmtree(served.folder("simclr").path / "maps")
    frames = [frame(served, "simclr", step, **query) for step in (0, 1, 2)]
    np.testing.assert_array_equal(frames[-1], last)
    for one, other in itertools.pairwise(frames):
        if kind != "sphere":  # no turn brings two frames nearer
            left, _, right = np.linalg.svd((other - other.mean(0)).T @ (one - one.mean(0)))
            np.testing.assert_allclose(left @ right, np.eye(one.shape[1]), atol=1e-3)
    if kind == "sphere":
        np.testing.assert_allclose(np.linalg.norm(last, axis=1), 1, atol=1e-3)


@pytest.mark.parametrize("query", [{}, {"layer": "projector"}, {"points": 40}])
def test_the_pca_of_one_step_stands_in_and_is_kept_nowhere(served, query):
    maps = served.folder("simclr").path / "maps"
    kept = {each for each in maps.rglob("*-pca/*")}
    found = served.get("simclr", "map/2/pca", **query).json()
    assert found["step"] == 2 and 0 < sum(found["variance"]) <= 1 and found["kept"] > 0.1
    assert {each for each in maps.rglob("*-pca/*")} == kept
    alone, in_line = unpacked(found["xy"]), frame(served, "simclr", 2, kind="pca", **query)
    distances = [np.linalg.norm(each[:, None] - each, axis=-1) for each in (alone, in_line)]
    np.testing.assert_allclose(*distances, atol=1e-3 * distances[0].max())  # the same but for a turn


def test_a_frame_that_the_browser_has_is_not_sent_again(served):
    first = served.get("simclr", "map/2", kind="pca")
    assert first.json()["kept"] > 0.1 and 0 < sum(first.json()["variance"]) <= 1
    address, tag = f"{served.runs['simclr']}/map/2", first.headers["etag"]
    assert served.http.get(address, params={"kind": "pca"}, headers={"If-None-Match": tag}).status_code == 304
    assert served.http.get(address, params={"kind": "pca3"}, headers={"If-None-Match": tag}).status_code == 200


def test_a_frame_comes_in_few_bytes_if_that_is_asked_for(served):
    plain, small = (served.get("simclr", "map/2", kind="pca", format=written) for written in ("json", "binary"))
    (length,) = struct.unpack_from("<I", small.content)
    facts = json.loads(small.content[4 : 4 + length])
    steps = np.frombuffer(small.content, "<u2", offset=4 + length).reshape(facts["shape"])
    back = np.asarray(facts["low"]) + steps / 65535 * (np.asarray(facts["high"]) - facts["low"])
    np.testing.assert_allclose(back, unpacked(plain.json()["xy"]), atol=1e-4 * np.ptp(back))
    assert facts.items() >= {name: each for name, each in plain.json().items() if name != "xy"}.items()
    assert plain.headers["etag"] != small.headers["etag"]
    address = f"{served.runs['simclr']}/map/2?kind=pca&format=binary"
    assert served.http.get(address, headers={"If-None-Match": small.headers["etag"]}).status_code == 304


def test_of_many_points_some_are_laid_out_and_the_others_placed_among_them(served, monkeypatch):
    monkeypatch.setattr(maps, "LANDMARKS", 25)
    laid = frame(served, "simclr", 2, kind="tsne", points=40)
    features = points_of(served.store, served.runs["simclr"], "backbone", "40").known(2)
    np.testing.assert_allclose(laid[25:], maps.placed(features[:25], laid[:25], features[25:]), atol=1e-4)
    low, high = laid[:25].min(0), laid[:25].max(0)
    assert ((laid[25:] >= low) & (laid[25:] <= high)).all() and np.ptp(laid[25:], 0).min() > 0
    said = served.get("simclr", "map", kind="tsne", points=40).json()["notes"]
    assert any("25 are laid out" in each for each in said)
    assert not any("are laid out" in each for each in served.get("simclr", "map", kind="pca", points=40).json()["notes"])


def test_the_maps_that_were_laid_out_while_it_trained_are_used(served):
    folder = served.folder("unmeasured")
    points = np.random.RandomState(0).normal(size=(folder.probe()["count"], 2)).astype(np.float32)
    folder.save_layout(0, points)
    np.testing.assert_array_equal(frame(served, "unmeasured", 0), points)


def test_a_projector_that_was_not_measured_is_seen_by_the_weights(served):
    ours, theirs = (points_of(served.store, served.runs[name], "projector", "probe") for name in ("unmeasured", "simclr"))
    assert ours.known(2) is None and ours.steps() == theirs.steps()
    frame(served, "unmeasured", 2, layer="projector", kind="pca")
    torch.testing.assert_close(ours.known(2), theirs.known(2), atol=0.02, rtol=0.02)


def test_a_run_that_goes_back_forgets_its_later_frames(served):
    folder = served.folder("leaving")
    frame(served, "leaving", 2, kind="pca")
    assert folder.frame_steps("backbone-probe-pca") == [0, 1, 2]
    served.store.truncate(served.runs["leaving"], 1)
    assert folder.frame_steps("backbone-probe-pca") == [0, 1] == served.get("leaving", "map", kind="pca").json()["steps"]
    shutil.rmtree(folder.path)
    gone = served.get("leaving", "map/1", kind="pca")
    assert gone.status_code == 400 and "(it has none yet), got 1" in gone.json()["error"]
    assert served.get("leaving", "map").json()["steps"] == []


# Training images


def test_training_images_are_shown_at_every_step_that_was_kept(served):
    found = served.get("simclr", "map", points=40).json()
    images, rows = points_of(served.store, served.runs["simclr"], "backbone", "40").images()
    assert found["steps"] == [0, 1, 2] and found["points"]["count"] == 40 == len(set(rows.tolist()))
    assert found["points"]["labels"]["shape"] == images.factors["shape"][rows].tolist()
    sheet = served.http.get(found["points"]["sprites"].removeprefix("runs/"))
    assert sheet.headers["content-type"] == "image/jpeg"
    shown = np.array(Image.open(io.BytesIO(sheet.content))).astype(int)[:32, 32:64]
    assert np.abs(shown - images.pixels[rows[1]].movedim(0, -1).numpy()).mean() < 8
    method = trained(served.store, served.runs["simclr"], 2).method
    features = method.embed(images.pixels[rows].float() / 255)
    similarity = unpacked(served.get("simclr", "neighbors", points=40, step=2, image=7).json()["similarity"])
    np.testing.assert_allclose(similarity, torch.cosine_similarity(features, features[7:8]).numpy(), atol=2e-3)


def test_many_training_images_are_shown_at_the_newest_step_and_more_than_there_are_are_all(served, monkeypatch):
    monkeypatch.setattr("playground.runs.points.MANY", 30)
    found = served.get("simclr", "map", points=40).json()
    assert found["steps"] == [2] and frame(served, "simclr", 2, points=40, kind="pca").shape == (40, 2)
    everything = len(images_here(RunConfig().data)[0])
    assert points_of(served.store, served.runs["simclr"], "backbone", "9999").count == min(9999, everything)


# Neighbors and clusters


def test_neighbors_say_which_factors_they_share(served):
    found = served.get("simclr", "neighbors", image=5, k=4, step=2).json()
    labels = served.folder("simclr").probe()["labels"]
    assert len(found["neighbors"]) == 4 and found["step"] == 2 and found["centered"] is False and found["notes"] == []
    assert [each["similarity"] for each in found["neighbors"]] == sorted((each["similarity"] for each in found["neighbors"]), reverse=True)
    for each in found["neighbors"]:
        assert each["image"] != 5 and each["shared"] == {name: values[5] == values[each["image"]] for name, values in labels.items()}


def test_constant_features_are_said_to_be_equally_near(served):
    assert "equally near" in served.get("constant", "neighbors", image=5).json()["notes"][0]
    found = served.get("constant", "clusters", k=3).json()
    assert found["labels"] == [0] * len(found["labels"]) and found["silhouette"] is None and "Only 1 of 3" in found["notes"][0]
    for kind in ("umap", "pca", "tsne", "sphere"):
        assert np.isfinite(frame(served, "constant", 2, kind=kind, layer="projector")).all()


def test_clusters_agree_with_factors_or_do_not(served):
    found = served.get("simclr", "clusters", k=4, step=2).json()
    assert set(found["labels"]) == {0, 1, 2, 3} and set(found["agreement"]) == set(served.folder("simclr").probe()["labels"])
    assert -1 <= found["silhouette"] <= 1 and found == served.get("simclr", "clusters", k=4, step=2).json()


# Landing


@pytest.mark.parametrize("kind", ["pca", "pca3", "sphere"])
def test_a_probe_image_lands_on_its_own_point_at_every_step(served, kind):
    query = {"kind": kind, "layer": "projector"}
    found = served.get("simclr", "land", image=9, **query).json()
    assert list(found["steps"]) == ["0", "1", "2"] and found["how"]
    for step, landed in found["steps"].items():
        points = frame(served, "simclr", step, **query)
        assert np.linalg.norm(points[9] - landed["xy"]) < 0.02 * np.ptp(points), step
        assert len(landed["neighbors"]) == 10 and landed["neighbors"][0]["similarity"] > 0.999


def test_a_picture_that_is_sent_lands_where_the_same_probe_image_does_and_is_not_kept(served):
    pixels = tile(served, "simclr", 9)
    served.get("simclr", "land", image=9, kind="pca")
    before = sorted(served.store.home.rglob("*"))
    sent, known = served.send("simclr", png(pixels), kind="pca").json(), served.get("simclr", "land", image=9, kind="pca").json()
    assert sent == known and sorted(served.store.home.rglob("*")) == before
    seen = np.array(Image.open(io.BytesIO(base64.b64decode(sent["picture"].partition(",")[2]))))
    np.testing.assert_array_equal(seen, pixels)
    wide = served.send("simclr", png(np.kron(pixels, np.ones((3, 6, 1), np.uint8)).astype(np.uint8)), kind="tsne")
    assert wide.status_code == 200 and "nearest neighbors' places" in wide.json()["how"]


def test_a_picture_is_gray_where_the_data_are():
    seen = squared(png(np.random.RandomState(0).randint(0, 255, (40, 60, 3), np.uint8)), RunConfig(data="fashion-mnist"))
    assert seen.shape == (1, 3, *2 * (RunConfig(data="fashion-mnist").data.image_size,)) and (seen[:, 0] == seen[:, 2]).all()


def bomb():
    """A small file that says it is 100,000 pixels wide and high."""
    data = bytearray(png(np.zeros((8, 8, 3), np.uint8)))
    data[16:24] = (100_000).to_bytes(4, "big") * 2
    data[29:33] = zlib.crc32(data[12:29]).to_bytes(4, "big")
    return bytes(data)


HOSTILE = {
    "empty": (b"", "this picture cannot be read: the file is empty"),
    "text": (b"<svg onload=alert(1)>", "it is not an image of a known kind"),
    "cut": (png(np.random.RandomState(0).randint(0, 255, (64, 64, 3), np.uint8))[:900], "the file is"),
    "bomb": (bomb(), "pixels, at most"),
    "long": (bytes(9 << 20), "a picture must have at most 8 MB, got more"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_picture_has_its_sentence(served, case):
    data, sentence = HOSTILE[case]
    found = served.send("simclr", data, kind="pca")
    assert found.status_code == 400 and sentence in found.json()["error"]


# Attention


def test_heads_of_a_vit_are_distributions_at_every_step(served):
    found = served.get("mae", "heads", image=3).json()
    assert np.array(found["heads"]).shape == (4, 64) and found["grid"] == 8 and found["steps"] == [0, 1] and found["step"] == 1
    np.testing.assert_allclose(np.sum(found["heads"], 1), 1, atol=1e-4)
    rows = [served.get("mae", "heads", image=3, patch=patch).json()["heads"] for patch in (0, 63)]
    assert rows[0] != rows[1] and served.get("mae", "heads", image=3, step=0).json()["heads"] != found["heads"]


@pytest.mark.parametrize(
    ("name", "what", "query", "status", "sentence"),
    [
        ("nowhere1", "map", {}, 404, "there is no run nowhere1"),
        ("nowhere1", "heads", {}, 404, "there is no run nowhere1"),
        ("simclr", "map", {"layer": "head"}, 400, "layer must be one of backbone, projector, got head"),
        ("simclr", "map", {"kind": "som"}, 400, "kind must be one of umap, pca, pca3, tsne, sphere, got som"),
        ("simclr", "map", {"points": "1"}, 400, "points must be probe, or a number of training images from 2 to 50,000, got 1"),
        ("simclr", "map", {"points": "x" * 99}, 400, "got xxxxxxxxxxxxxxxxxxxx"),
        ("simclr", "map/2", {"kind": "sphere"}, 400, "kind must be one of umap, pca, pca3, tsne for a layer of 64 dimensions, got sphere"),
        ("simclr", "map/2", {"kind": "pca", "format": "xml"}, 400, "format must be one of json, binary, got xml"),
        ("simclr", "map/7", {}, 400, "must be one that can be shown (0, 1, 2), got 7"),
        ("empty", "map/0", {}, 400, "must be one that can be shown (it has none yet), got 0"),
        ("elsewhere", "map", {"points": "100"}, 400, "the dataset cifar10 must be on this machine to show its images"),
        ("broken", "map", {"points": "100"}, 400, "forgotten"),
        ("simclr", "points.jpg", {}, 400, "points must be a number of training images"),
        ("simclr", "neighbors", {"image": "99999"}, 400, "image must be below 256, the number of points, got 99999"),
        ("simclr", "neighbors", {"k": "256"}, 400, "k must be below 256, the number of points, got 256"),
        ("simclr", "neighbors", {"step": "-1"}, 400, "step must be a whole number from 0, got -1"),
        ("simclr", "clusters", {"k": "256"}, 400, "k must be from 2 to 255, one less than the number of points, got 256"),
        ("simclr", "land", {"data": "cifar10"}, 400, "the dataset cifar10 must be on this machine to show its images"),
        ("simclr", "land", {"data": "../etc"}, 400, "data must be one of"),
        ("simclr", "land", {"data": "shapes", "image": "999999"}, 400, "the number of probe images of shapes, got 999999"),
        ("old", "land", {"kind": "pca"}, 400, "no picture can be placed on this map: run"),
        ("simclr", "heads", {}, 400, "must look at patches with a ViT to show its attention, got SimCLR on ResNet tiny"),
        ("mae", "heads", {"patch": "64"}, 400, "patch must be below 64, the number of patches, got 64"),
        ("mae", "heads", {"step": "77"}, 400, "must be one whose weights were kept (0, 1), got 77"),
    ],
)
def test_what_cannot_be_has_its_sentence(served, name, what, query, status, sentence):
    found = served.get(name, what, **query)
    assert found.status_code == status and sentence in found.json()["error"] and "\n" not in found.json()["error"]
