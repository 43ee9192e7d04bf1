"""A run whose files are gone, cut or changed: what is said of it, and what still works."""

import numpy as np
import pytest
import torch
from starlette.applications import Starlette
from starlette.testclient import TestClient

from playground import safe_files
from playground.config import RunConfig
from playground.events import Checkpoint, EvalImages, Finished, Metrics, Snapshot, Started, Weights
from playground.runs.checkpoints import worth_keeping
from playground.runs.condition import condition
from playground.runs.pool import Pool
from playground.web.routes import routes


@pytest.fixture(scope="module")
def pool(tmp_path_factory):
    pool = Pool(tmp_path_factory.mktemp("home"), slots=1, warm=False)
    yield pool
    pool.close()


@pytest.fixture
def client(pool):
    with TestClient(Starlette(routes=routes(lambda: pool))) as client:
        yield client


def snapshot(step):
    views = np.full((2, 3, 8, 8, 3), step, np.uint8)
    arrays = {"embedding": np.random.default_rng(step).normal(size=(6, 4)).astype(np.float32), "pca": np.zeros((6, 2), np.float32)}
    return Snapshot(step, arrays | {"views": views})


@pytest.fixture
def run(pool):
    """A run that was stopped at step 20, with snapshots at 0, 10 and 20 and checkpoints at 10 and 20."""
    store = pool.store
    run = store.create(RunConfig(steps=50))
    probe = EvalImages(0, np.zeros((6, 8, 8, 3), np.uint8), {"shape": np.arange(6) % 2}, {"shape": ["a", "b"]})
    begun = [probe, Started(0, {"steps": 50, "layers": {"backbone": 4}}), snapshot(0)]
    store.write_many(run, [*begun, Metrics(10, {"loss": 1.0}), snapshot(10), Weights(10, {"w": torch.ones(2)})])
    store.write_many(run, [Checkpoint(10, {"at": 10}), snapshot(20), Checkpoint(20, {"at": 20}), Finished(20, "stopped")])
    return run


def cut(path, keep=0.6):
    data = path.read_bytes()
    path.write_bytes(data[: int(keep * len(data))])


def told(pool, run):
    return " ".join(condition(pool.store.folder(run), pool.store.run(run)))


def test_nothing_is_said_of_a_run_that_has_all_its_files(pool, run):
    assert condition(pool.store.folder(run), pool.store.run(run)) == []


def test_one_cut_snapshot_leaves_the_list_and_the_others(pool, run, client):
    folder = pool.store.folder(run)
    cut(folder.path / "snapshots" / "0000010.npz")
    found = client.get(f"/api/runs/{run}/snapshots")
    assert found.status_code == 200 and [each["step"] for each in found.json()["snapshots"]] == [0, 20]
    assert client.get(f"/api/runs/{run}/snapshots/20").status_code == 200
    refused = client.get(f"/api/runs/{run}/snapshots/10")
    assert refused.status_code == 400 and refused.json()["error"].startswith("0000010.npz is damaged")
    assert "1 of 3 snapshots are damaged (of step 10) and left out; all others are shown." in told(pool, run)
    described = client.get(f"/api/runs/{run}/map?kind=pca").json()
    assert described["steps"] == [0, 20] and described["notes"][0].startswith("1 of 3 snapshots are damaged")


def test_snapshots_that_are_gone_are_not_those_of_an_older_version(pool, run, client):
    folder = pool.store.folder(run).path
    (folder / "snapshots").rename(folder / "elsewhere")
    said = f"Its snapshots are gone ({folder / 'snapshots'}): its maps and pictures cannot be shown, its curves can."
    notes = client.get(f"/api/runs/{run}/map?kind=pca").json()["notes"]
    assert said in notes and not any("Nothing was kept of this layer" in each for each in notes)


def test_a_picture_with_a_changed_bit_is_not_served(pool, run, client):
    path = pool.store.folder(run).picture(10, "views")
    assert client.get(f"/api/runs/{run}/snapshots/10/views.png").content == safe_files.read(path)
    data = bytearray(path.read_bytes())
    data[40] ^= 1
    path.write_bytes(data)
    refused = client.get(f"/api/runs/{run}/snapshots/10/views.png")
    assert refused.status_code == 400 and "views.png is damaged" in refused.json()["error"]


def test_a_cut_probe_set_is_said_and_the_run_is_still_told_of(pool, run, client):
    cut(pool.store.folder(run).path / "probe.json")
    found = client.get(f"/api/runs/{run}").json()
    assert found["probe"] is None and found["facts"]["steps"] == 50
    assert found["condition"] == [
        "The images it was measured on are gone or damaged (probe.json): its maps cannot be shown, its curves can; Resume writes them anew."
    ]
    assert client.get(f"/api/runs/{run}/map?kind=pca").json()["notes"] == found["condition"]


def test_a_folder_that_is_gone_is_not_called_a_run_without_measurements(pool, run, client):
    folder = pool.store.folder(run).path
    folder.rename(folder.with_name("elsewhere-" + run))
    notes = client.get(f"/api/runs/{run}/map?kind=pca").json()["notes"]
    here = "its settings and curves are here, its maps and pictures are not; Resume starts it again."
    assert notes == [f"The files of this run are gone ({folder}): {here}"]
    assert client.get(f"/api/runs/{run}/events").json()


def test_of_two_checkpoints_the_damaged_one_gives_way_and_says_so(pool, run):
    folder = pool.store.folder(run)
    assert folder.checkpoint() == (20, {"at": 20})
    cut(folder.path / "checkpoints" / "0000020.pt", keep=0.9)
    assert told(pool, run) == "The checkpoint of step 20 is damaged: Resume goes on from its last checkpoint, of step 10."
    loaded = folder.checkpoints.load()
    assert (loaded.step, loaded.state) == (10, {"at": 10}) and loaded.lost[0].startswith("checkpoint 0000020.pt is damaged")
    cut(folder.path / "checkpoints" / "0000010.pt", keep=0.9)
    assert told(pool, run).endswith("damaged: Resume starts it again.")
    assert folder.checkpoints.load().state is None and len(folder.checkpoints.load().lost) == 2


def test_a_home_of_an_older_version_opens(pool, run, client):
    folder = pool.store.folder(run)
    for path in [each for each in folder.path.rglob("*") if each.is_file()]:
        path.write_bytes(safe_files.read(path))
    (folder.path / "checkpoints" / "0000010.pt").unlink()
    (folder.path / "checkpoints" / "0000020.pt").rename(folder.path / "checkpoint.pt")
    assert folder.has_checkpoint() and folder.checkpoint() == (20, {"at": 20}) and told(pool, run) == ""
    assert client.get(f"/api/runs/{run}").json()["probe"]["count"] == 6
    assert client.get(f"/api/runs/{run}/snapshots/10/views.png").status_code == 200
    assert client.get(f"/api/runs/{run}/sprites.png").status_code == 200
    folder.save_checkpoint(30, {"at": 30})
    assert folder.checkpoint() == (30, {"at": 30}) and (folder.path / "checkpoint.pt").exists(), "until there are two new ones"
    folder.save_checkpoint(40, {"at": 40})
    assert not (folder.path / "checkpoint.pt").exists()


def test_a_damaged_frame_or_layout_is_made_again(pool, run):
    folder = pool.store.folder(run)
    folder.save_layout(10, np.zeros((6, 2)))
    folder.save_frame("backbone-probe-pca", 10, {"xy": np.zeros((6, 2))})
    for path in (folder.path / "layouts" / "0000010.npy", folder.path / "maps" / "backbone-probe-pca" / "0000010.npz"):
        cut(path)
    assert folder.layout(10) is None and folder.frame("backbone-probe-pca", 10) is None


def test_a_cut_evaluation_is_as_good_as_none(pool, run):
    from playground.evaluation import ledger

    folder = pool.store.folder(run).path
    ledger.write(folder, {"version": ledger.VERSION, "status": "finished"})
    assert ledger.read(folder)["status"] == "finished"
    cut(folder / ledger.FILE)
    assert ledger.read(folder) is None


@pytest.mark.parametrize("every", [1, 7, 10])
def test_the_last_two_checkpoints_are_kept_and_ever_fewer_of_those_before(every):
    steps = []
    for step in range(every, 300 * every, every):
        steps = sorted(worth_keeping([*steps, step], dict.fromkeys([*steps, step], 1)))
        assert steps[-2:] == [max(step - every, every), step][-len(steps) :]
        assert len(steps) <= 12
        for trouble in range(every, step, every):  # wherever the trouble began, there is one from before it that is not far
            before = [each for each in steps if each <= trouble]
            assert not before or step - before[-1] <= 4 * (step - trouble) + 2 * every


def test_large_checkpoints_are_two():
    assert worth_keeping([10, 20, 30, 40], dict.fromkeys([10, 20, 30, 40], 1 << 30)) == [40, 30]
