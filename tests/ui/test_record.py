"""The recording that plays before the first run: small, true, and made by a command from real runs."""

import gzip
import json

import numpy as np
import pytest
from scipy.spatial.distance import pdist

from playground.config import RunConfig
from playground.home import site
from playground.projection import pca
from playground.runs.store import Store
from playground.ui import record

RECORDED = site() / "assets" / "recorded"


@pytest.fixture(scope="module")
def recorded():
    return json.loads((RECORDED / "pair.json").read_text())


@pytest.fixture
def store(home):
    store = Store(home)
    yield store
    store.close()


@pytest.fixture
def quick(monkeypatch):
    """PCA for the maps: UMAP compiles itself for longer than all of these tests take."""
    monkeypatch.setattr(record, "umap_layout", pca)


def points(run):
    """step -> (N, 2): the sums of all moves up to there."""
    steps, maps = zip(*((step, frame["umap"]) for step, frame in run["frames"].items()), strict=True)
    whole = np.cumsum([np.reshape(each["moves"], each["shape"]) for each in maps], axis=0)
    return dict(zip(steps, whole * maps[0]["scale"], strict=True))


def ends(run, name):
    values = [body[name] for _, kind, _, _, body in run["events"] if kind == "metrics" and name in body]
    return values[0], values[-1]


def files(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_recording_is_at_most_a_megabyte_and_a_half():
    assert sum(len(data) for name, data in files(RECORDED).items() if not name.startswith("runs/")) <= 1_500_000


@pytest.mark.slow
def test_the_numbers_of_the_recording_take_a_fifth_of_a_megabyte_on_the_wire():
    assert len(gzip.compress((RECORDED / "pair.json").read_bytes(), 9)) <= 220_000


def test_maps_are_sent_as_moves_on_one_grid_and_come_out_within_half_a_step():
    maps = np.cumsum(np.random.default_rng(0).normal(0, 1, (5, 40, 2)), axis=0)
    sent = {"frames": {str(step): {"umap": each} for step, each in enumerate(record.moves(maps))}}
    unit = sent["frames"]["0"]["umap"]["scale"]
    assert unit == pytest.approx(np.abs(maps).max() / record.GRID, rel=1e-3)
    for step, found in points(sent).items():
        assert np.abs(found - maps[int(step)]).max() <= 0.501 * unit
    assert record.moves(np.zeros((2, 3, 2)))[1]["moves"] == [0] * 6


def test_the_recorded_runs_are_judged_by_the_judge_of_today(recorded):
    for run in recorded["runs"].values():
        assert record.judged_anew(run) == run, "run: python -m playground.ui.record --judge"
        started = next(body for _, kind, _, _, body in run["events"] if kind == "started")
        assert started["limits"]["projector"]["rank"][0] < started["limits"]["projector"]["rank"][1]


def test_the_recorded_runs_differ_by_the_switch_alone_and_tell_what_the_page_says_of_them(recorded):
    jitter, without = recorded["runs"].values()
    assert list(recorded["runs"]) == list(record.RUNS)
    assert jitter["config"] | record.WITHOUT == without["config"]
    assert ends(jitter, "knn/shape")[1] > 0.9 and ends(jitter, "knn/color")[1] < 0.3
    assert ends(without, "knn/color")[1] > 0.9 and ends(without, "knn/shape")[1] < 0.5
    # The same weights before the first step; their normalization is calibrated by views, which the switch changes.
    assert ends(jitter, "knn/shape")[0] == pytest.approx(ends(without, "knn/shape")[0], abs=0.02)


def test_every_frame_and_picture_that_is_promised_is_there(recorded):
    for name, run in recorded["runs"].items():
        for _, kind, step, _, names in run["events"]:
            for each in names if kind == "snapshot" else ():
                assert each in run["frames"][str(step)] or (RECORDED / name / str(step) / f"{each}.jpg").is_file(), (name, step, each)
        assert len(run["frames"]) >= 20 and points(run)["300"].shape == (recorded["probe"]["count"], 2)


@pytest.mark.slow
def test_runs_become_the_same_recording_each_time(store, home, tiny, quick, monkeypatch):
    runs = [record.trained(store, tiny | changes) for changes in record.RUNS.values()]
    for name in ("one", "other"):
        monkeypatch.setattr(record, "RECORDED", home / name)
        (home / name / "runs").mkdir(parents=True)
        (home / name / "runs" / "kept.zip").touch()
        (home / name / "old.jpg").touch()
        record.main(runs)
    made = files(home / "one")
    assert made == files(home / "other") and "runs/kept.zip" in made and "old.jpg" not in made
    pair = json.loads(made["pair.json"])
    first = pair["runs"]["recorded"]
    assert list(map(int, first["frames"])) == [0, 1, 2, 3, 5, 6] == [step for _, kind, step, _, _ in first["events"] if kind == "layout"]
    map_of = record.apart(pca_of(store.folder(runs[0]), 0), np.ptp(pca_of(store.folder(runs[0]), 0), 0).max() / record.ACROSS)
    unit = first["frames"]["0"]["umap"]["scale"]
    assert all(each["umap"]["scale"] == unit for each in first["frames"].values())  # one grid for all
    assert np.abs(points(first)["0"] - map_of).max() <= 0.501 * unit
    assert "recorded-without/6/views.jpg" in made and "sprites.jpg" in made
    assert "views_per_second" not in made["pair.json"].decode()


def pca_of(folder, step):
    import torch

    return pca(torch.from_numpy(folder.snapshot(step)["embedding"]))


def test_marks_that_lie_on_each_other_part_and_others_stay():
    crowd = np.random.default_rng(0).normal(0, 0.1, (60, 2)).astype(np.float32)
    alone = np.float32([[50, 50], [60, 50]])
    moved = record.apart(np.concatenate([crowd, alone]), 1.0)
    assert np.array_equal(moved[60:], alone)
    assert np.quantile(pdist(moved[:60]), 0.01) > 0.75 > np.quantile(pdist(crowd), 0.9)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (({}, {}), "a run without color jitter on shapes must stand here, got shapes with it"),
        ((record.WITHOUT, {}), "a run with color jitter on shapes must stand here, got shapes without it"),
        (({"data": "fashion-mnist"}, record.WITHOUT), "a run with color jitter on shapes must stand here, got fashion-mnist with it"),
        (({}, record.WITHOUT | {"steps": 9}), "both runs must have the same number of steps, got 300 and 9"),
    ],
)
def test_runs_that_are_no_pair_are_refused_and_the_old_recording_stays(store, home, changes, sentence):
    (home / "old").mkdir()
    (home / "old" / "pair.json").write_text("{}")
    with pytest.raises(ValueError, match=f"^{sentence}$"):
        record.record([(store, store.create(RunConfig(**each))) for each in changes], home / "old")
    assert (home / "old" / "pair.json").exists()
