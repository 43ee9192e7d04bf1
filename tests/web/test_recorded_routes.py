"""What pages ask of a recording is answered from its folder alone, without a worker and without a process that lays out maps."""

import pytest

from playground.runs import recordings
from playground.runs.recordings import RECORDINGS
from support.serving import Served

MAE = RECORDINGS[2].run
ASKED = (
    "sprites.png",
    "snapshots",
    "map?kind=umap",
    "map/{last}?kind=umap",
    "map/{last}?kind=pca3",
    "neighbors?step={last}&image=3",
    "clusters?step={last}&k=8",
    "geometry",
    "geometry/cka",
    "geometry/views",
    "land?data=shapes&image=0",
)


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    with Served(tmp_path_factory.mktemp("home"), "/api/") as served:
        recordings.install(served.store)
        yield served


@pytest.mark.slow
@pytest.mark.parametrize("recording", RECORDINGS, ids=lambda each: each.run)
def test_every_panel_has_an_answer(served, recording):
    about = served.http.get(f"runs/{recording.run}").json()
    assert about["condition"] == [] and about["status"] == "finished" and not about["resumable"]
    for path in ASKED:
        answer = served.http.get(f"runs/{recording.run}/{path.format(last=about['step'])}")
        assert answer.status_code == 200, (path, answer.text[:300])
    found = served.http.get(f"runs/{recording.run}/evaluation").json()["found"]
    assert (found is not None and found["status"] == "finished") == bool(recording.evaluated)
    csv = served.http.get(f"runs/{recording.run}/evaluation.csv")
    assert csv.status_code == (200 if recording.evaluated else 404)


@pytest.mark.slow
def test_the_masked_autoencoder_paints_under_any_mask(served):
    for hidden in ("f" * 15 + "0", "0f" * 8):
        found = served.http.get(f"runs/{MAE}/fill?image=5&hidden={hidden}").json()
        assert found["hidden"] == hidden and found["step"] == 400 and found["error"] > 0
    errors = [served.http.get(f"runs/{MAE}/fill?image={image}&hidden={'0f' * 8}").json() for image in range(8)]
    assert sum(each["error"] < each["flat"] for each in errors) >= 7, "better than the mean patch"


@pytest.mark.slow
def test_recordings_are_in_the_picture_of_losses(served):
    rows = served.http.get("evaluation/losses?data=shapes").json()["runs"]
    assert {each["run"] for each in rows} == {each.run for each in RECORDINGS}
