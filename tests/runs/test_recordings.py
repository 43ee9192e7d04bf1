"""Recordings: what comes with the program is small, true to its numbers, entered into every home, and closed to commands."""

import dataclasses
import json
import shutil

import numpy as np
import pytest
import torch

from playground.datasets import load_images
from playground.datasets.shapes import Shapes
from playground.diagnostics.probes import knn_accuracy
from playground.diagnostics.similarity import linear_cka
from playground.evaluation import ledger
from playground.evaluation.contest import evaluate
from playground.evaluation.protocol import Protocol
from playground.events import Pause, Resume, SetKnob, Stop
from playground.home import site
from playground.projection import pca
from playground.randomness import seeded_generator
from playground.runs import packed_run, record, recordings
from playground.runs.pool import Pool
from playground.runs.recordings import FOLDER, RECORDINGS
from playground.runs.runner import RunError
from playground.runs.store import Store
from playground.runs.trained import trained
from support.disks import fill, small_disk
from support.trainings import TINY, tiny_config

RUNS = [each.run for each in RECORDINGS]
OUTCOMES = dict(zip(RUNS, ("healthy", "shortcut", "unclear", "complete collapse"), strict=True))


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A home with nothing but the recordings."""
    store = Store(tmp_path_factory.mktemp("recorded"))
    recordings.install(store)
    yield store
    store.close()


@pytest.fixture
def fresh(home):
    store = Store(home)
    yield store
    store.close()


@pytest.fixture
def one(tmp_path):
    """A folder that holds the smallest of the recordings alone."""
    place = tmp_path / "zips"
    place.mkdir()
    shutil.copy(FOLDER / f"{RUNS[3]}.zip", place)
    return place


def last(store, run, name):
    return next(each.body[name] for each in store.newest(run, "metrics", 400) if name in each.body)


def test_all_that_is_recorded_takes_at_most_four_megabytes():
    assert sorted(file.stem for file in FOLDER.iterdir()) == sorted(RUNS)
    assert sum(file.stat().st_size for file in (site() / "assets" / "recorded").rglob("*") if file.is_file()) <= 4_000_000


@pytest.mark.slow
@pytest.mark.parametrize("run", RUNS)
def test_a_recording_is_a_finished_run_of_its_settings_that_is_judged_as_it_should_be(store, run):
    found, recording = store.run(run), next(each for each in RECORDINGS if each.run == run)
    assert (found.status, found.step, found.owner, found.recorded) == ("finished", found.steps, "recording", True)
    assert found.flat == packed_run.usual_device(record.RunConfig(**recording.changes).flat()), "defaults have changed: record it again"
    assert store.newest(run, "verdict", 1)[0].body["state"] == OUTCOMES[run]
    folder = store.folder(run)
    assert folder.steps()[0] == 0 and folder.steps()[-1] == folder.checkpoints.steps()[-1] == found.steps
    for step in folder.steps():
        assert len(folder.snapshot(step)["embedding"]) == len(folder.layout(step)) == folder.probe()["count"] == packed_run.IMAGES
    told = {each.step for each in store.events(run) if each.kind == "snapshot"}
    assert told == set(folder.steps())


@pytest.mark.slow
@pytest.mark.parametrize("run", [RUNS[0], RUNS[1], RUNS[3]])
def test_the_weights_of_a_recording_have_the_accuracy_that_its_timeline_says(store, run, home):
    probe = load_images(Shapes.Knobs(), home)[1]
    with torch.inference_mode():
        features = torch.cat([trained(store, run).method.embed(each.float() / 255) for each in probe.pixels.split(256)])
    for factor, accuracy in knn_accuracy(features, probe.factors).items():
        assert float(accuracy) == pytest.approx(last(store, run, f"knn/{factor}"), abs=0.03), factor
    kept = torch.from_numpy(store.folder(run).snapshot(store.run(run).step)["embedding"])
    assert linear_cka(kept, features[: len(kept)]) > 0.97, "the map shows the features of these weights"


@pytest.mark.slow
def test_the_weights_of_the_masked_autoencoder_paint_as_well_as_its_timeline_says(store, home):
    run, probe = RUNS[2], load_images(Shapes.Knobs(), home)[1]
    found = trained(store, run)
    with torch.inference_mode():
        pixels = probe.pixels[: len(probe) // 4].float() / 255
        measured = found.method.diagnostics(pixels, seeded_generator(found.config.seed, "probe", 0, torch.device("cpu")))
    names = [name for name in measured if name in json.loads(store.newest(run, "metrics", 1)[0].text) or "error" in name]
    assert names
    for name in names:
        assert float(measured[name]) == pytest.approx(last(store, run, name), rel=0.05), name


@pytest.mark.slow
def test_the_evaluation_of_a_recording_is_what_its_weights_give(store, home):
    run = RUNS[0]
    document, found = ledger.read(store.folder(run).path), trained(store, run)
    assert document["status"] == "finished" and {each["who"] for each in document["scores"]} >= {"linear", "tuned", "scratch", "pixels"}
    protocol = Protocol(parts=("knn_classifier",), seeds=document and int(document["protocol"]["seeds"]))
    again = ledger.new(run, found.step, protocol)
    sets = load_images(found.config.data, home)[0], Shapes.test(found.config.data, home)
    for event in evaluate(found.config, found.method, sets, protocol, None):
        ledger.update(again, event)
    told = {(each["who"], each["share"]): each["mean"] for each in ledger.summary(document["scores"]) if each["part"] == "labels"}
    for each in ledger.summary(again["scores"]):
        assert each["mean"] == pytest.approx(told[each["who"], each["share"]], abs=0.01)


@pytest.mark.slow
def test_the_probe_images_are_those_of_the_data_set(store, home):
    probe = load_images(Shapes.Knobs(), home)[1][: packed_run.IMAGES]
    drawn = Shapes.first_probe_images(packed_run.IMAGES)
    assert torch.equal(drawn.pixels, probe.pixels) and all(torch.equal(drawn.factors[name], probe.factors[name]) for name in probe.factors)
    folder = store.folder(RUNS[0])
    assert folder.probe()["labels"] == {name: each.tolist() for name, each in probe.factors.items()}
    assert np.array_equal(folder.sprites()[:32, :32], probe.pixels[0].movedim(0, -1).numpy())


@pytest.mark.slow
def test_recordings_are_listed_last_and_not_counted(fresh, one):
    recordings.install(fresh, one)
    run = fresh.create(tiny_config())
    with fresh._transaction(run) as db:
        db.execute("UPDATE runs SET created = 1 WHERE id = ?", (run,))
    assert [each.id for each in fresh.runs()] == [run, RUNS[3]] and not fresh.run(run).recorded
    assert fresh.counts() == {"queued": 1}


@pytest.mark.slow
def test_what_is_missing_of_a_recording_is_made_again_and_another_version_replaces_it(fresh, one, home):
    recordings.install(fresh, one)
    before, place = fresh.run(RUNS[3]), fresh.folder(RUNS[3]).path
    mark = place / "untouched"
    mark.touch()
    recordings.install(fresh, one)
    assert mark.exists() and len(fresh.events(RUNS[3])) == fresh.last_event(RUNS[3]), "what is there is not unpacked twice"
    shutil.rmtree(place)
    recordings.install(fresh, one)
    assert fresh.folder(RUNS[3]).has_checkpoint() and fresh.run(RUNS[3]) == before
    fresh.forget(RUNS[3])
    recordings.install(fresh, one)
    assert fresh.run(RUNS[3]) == before
    entries = packed_run.read(one / f"{RUNS[3]}.zip")
    packed_run.write(one / f"{RUNS[3]}.zip", entries | {"evaluation.json": b"{}"})
    recordings.install(fresh, one)
    assert fresh.run(RUNS[3]).attempt != before.attempt and (place / ledger.SHIPPED).exists() and len(fresh.runs()) == 1
    (one / f"{RUNS[3]}.zip").unlink()
    recordings.install(fresh, one)
    assert fresh.runs() == [] and not place.exists()


@pytest.mark.slow
def test_a_recording_that_cannot_be_read_stops_nobody(fresh, one, caplog):
    (one / f"{RUNS[0]}.zip").write_bytes(b"no zip")
    recordings.install(fresh, one)
    assert [each.id for each in fresh.runs()] == [RUNS[3]]
    assert f"the recording {RUNS[0]} cannot be shown" in caplog.text


@pytest.mark.slow
def test_a_disk_that_takes_nothing_has_no_recordings_and_serves(tmp_path, one):
    with small_disk(tmp_path / "disk") as disk:
        store = Store(disk)
        run = store.create(tiny_config())
        filler = fill(disk)
        recordings.install(store, one)
        assert [each.id for each in store.runs()] == [run]
        filler.unlink()
        recordings.install(store, one)
        assert [each.id for each in store.runs()] == [run, RUNS[3]]
        packed_run.write(one / f"{RUNS[3]}.zip", packed_run.read(one / f"{RUNS[3]}.zip") | {"more.txt": b""})
        fill(disk)
        recordings.install(store, one)
        assert store.folder(RUNS[3]).has_checkpoint(), "that of before stays where there is no room for another"
        assert not list(disk.glob("runs/.*"))
        store.close()


@pytest.mark.slow
def test_a_lost_database_gets_them_from_the_program_and_not_from_their_folders(home, one):
    for remove in (False, True):
        if remove:
            (home / "playground.db").unlink()
        pool = Pool(home, slots=1, warm=False)
        recordings.install(pool.store, one)
        assert [each.id for each in pool.store.runs()] == [RUNS[3]]
        assert "remark" not in {each.kind for each in pool.store.events(RUNS[3])}
        pool.close()


@pytest.mark.slow
def test_no_command_changes_a_recording(home, one):
    pool = Pool(home, slots=1, warm=False)
    try:
        recordings.install(pool.store, one)
        before = pool.store.run(RUNS[3]), pool.store.last_event(RUNS[3])
        sentence = f"^run {RUNS[3]} is a recording and cannot be changed: start a run of your own with its settings$"
        for command in (Pause(), Resume(), Stop(), SetKnob("method.temperature", 0.5)):
            with pytest.raises(RunError, match=sentence):
                pool.command(RUNS[3], command)
        for more in ({}, {"step": 0}):
            with pytest.raises(RunError, match=sentence):
                pool.resume(RUNS[3], **more)
        assert (pool.store.run(RUNS[3]), pool.store.last_event(RUNS[3])) == before and pool.position(RUNS[3]) is None
    finally:
        pool.close()


def test_what_is_measured_here_is_shown_and_what_came_with_it_stays(store):
    folder = store.folder(RUNS[0]).path
    shipped = ledger.read(folder)
    assert not ledger.renewable(folder)
    document = ledger.new(RUNS[0], 300, Protocol(parts=("pixels",)))
    try:
        ledger.write(folder, document)
        assert ledger.read(folder)["status"] == "running"
        ledger.ended(folder, "stopped", "stopped before it was done")
        assert ledger.read(folder) == shipped
        ledger.write(folder, document | {"status": "finished"})
        assert ledger.read(folder)["protocol"]["parts"] == "pixels" and ledger.renewable(folder)
    finally:
        ledger.forget(folder)
    assert ledger.read(folder) == shipped


def test_numbers_of_few_bits_stay_near_and_equal_ones_stay_equal():
    features = np.random.default_rng(0).normal(3, 2, (200, 16)).astype(np.float32)
    near = packed_run.restored(**packed_run.coarse(features))
    assert np.abs(near - features).max() <= features.std() / packed_run.FINE / 2
    same = np.full((20, 4), 0.7, np.float32)
    again = packed_run.restored(**packed_run.coarse(same))
    assert np.ptp(again, 0).max() == 0 and np.allclose(again, same, atol=1e-6)
    kept = packed_run.by_row(features)
    assert (np.abs(kept["whole"] * kept["scale"] - features) <= np.abs(features).max(1, keepdims=True) / 254 + 1e-6).all()


@pytest.mark.slow
def test_the_same_run_becomes_the_same_recording_each_time(fresh, tmp_path, monkeypatch):
    monkeypatch.setattr(record, "umap_layout", pca)
    recording = dataclasses.replace(
        RECORDINGS[0], run="recorded-small", title="Small", changes=TINY | {"steps": 6}, evaluated=("knn_classifier",)
    )
    made = [record.record(fresh, recording, tmp_path / name).read_bytes() for name in ("one", "other")]
    assert made[0] == made[1] and len(fresh.runs()) == 1, "what is trained is not trained again"
    recordings.install(fresh, tmp_path / "one")
    found = fresh.run("recorded-small")
    assert (found.recorded, found.flat["device"], found.step) == (True, "auto", 6)
    assert ledger.read(fresh.folder(found.id).path)["status"] == "finished"
    assert not [name for name in record.OF_A_CLOCK if name in "".join(each.text for each in fresh.events(found.id))]
    sizes = {name: len(content) for name, content in packed_run.read(tmp_path / "one" / "recorded-small.zip").items()}
    assert "checkpoints/0000006.pt" not in sizes and "weights/0000006.pt" in sizes
