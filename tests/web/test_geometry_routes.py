"""The geometry of a representation over a real socket: a real tiny run, and runs as other versions and accidents leave them."""

import base64
import shutil

import numpy as np
import pytest
import torch

from playground import RunConfig
from playground.analysis.layer_report import SHOWN, VIEWS, in_picture, of_views
from playground.diagnostics.dimension import lidar, participation_ratio
from playground.diagnostics.similarity import linear_cka
from playground.events import EvalImages, Finished, Snapshot
from playground.web.geometry import MOST, spread
from support import trainings
from support.serving import Served

IMAGES = torch.randint(0, 256, (40, 8, 8, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)).numpy()


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).numpy()


class WithRuns(Served):
    """A server with runs that have just these snapshots: step -> arrays."""

    def left(self, snapshots, labels=None, images=IMAGES):
        run = self.store.create(RunConfig())
        self.store.write(run, EvalImages(0, images, labels or {}, {}))
        for step, arrays in snapshots.items():
            self.store.write(run, Snapshot(step, arrays))
        self.store.write(run, Finished(max(snapshots, default=0), "finished"))
        return run

    def get(self, run, what="", **query):
        return self.http.get(f"{run}/geometry{what}", params=query)


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    with WithRuns(tmp_path_factory.mktemp("home"), "/api/runs/") as served:
        yield served


@pytest.fixture(scope="module")
def trained(served):
    return trainings.trained(served.store, trainings.tiny_config(steps=2))


def unpacked(found):
    return np.frombuffer(base64.b64decode(found["data"]), np.float32).reshape(found["shape"])


def values(body):
    return {each["name"]: (each["value"], each["before"]) for each in body["measures"]}


@pytest.mark.slow
def test_a_run_is_measured_as_the_functions_say_of_its_snapshots(served, trained):
    folder = served.store.folder(trained)
    for layer, name in (("backbone", "embedding"), ("projector", "projection")):
        body = served.get(trained, layer=layer).json()
        last, first = (torch.from_numpy(folder.snapshot(step)[name]).float() for step in (2, 0))
        assert (body["step"], body["first"], body["layers"]) == (2, 0, ["backbone", "projector"])
        expected = (float(participation_ratio(last)), float(participation_ratio(first)))
        assert values(body)["participation_ratio"] == pytest.approx(expected, rel=1e-5)
        assert all(each["value"] is not None for each in body["measures"])
        assert unpacked(body["correlation"]).shape == (min(last.shape[1], SHOWN),) * 2
        assert len(body["spectrum"]["now"]) == last.shape[1]
    shape = next(each for each in body["factors"] if each["factor"] == "shape")
    assert set(shape["values"]) == {"knn", "linear", "silhouette", "davies_bouldin"} and shape["chance"] < 0.2 < 8 == shape["classes"]
    backbone = served.get(trained).json()
    live = next(each.body for each in reversed(served.store.events(trained)) if each.kind == "metrics" and "silhouette/shape" in each.body)
    for name in ("silhouette", "knn"):  # what was measured as it trained
        told = {each["factor"]: each["values"][name]["value"] for each in backbone["factors"]}
        assert told == pytest.approx({factor: live[f"{name}/{factor}"] for factor in told}, abs=2e-3)


def test_an_earlier_step_is_measured_where_it_is_asked_for(served, trained):
    now, then = (values(served.get(trained, **query).json()) for query in ({}, {"step": 0}))
    assert then["rankme"][0] == then["rankme"][1] == now["rankme"][1] != now["rankme"][0]


@pytest.mark.slow
def test_views_are_drawn_and_seen_by_the_weights_of_the_step(served, trained):
    body = served.get(trained, "/views", layer="projector").json()
    assert set(values(body)) == {"alignment", "view_agreement", "view_information", "lidar"}
    assert (body["step"], body["first"], body["views"]) == (2, 0, VIEWS)
    assert sum(body["histograms"]["positive"]) == pytest.approx(1, abs=1e-4)
    assert body == served.get(trained, "/views", layer="projector", step=2).json()
    assert values(body)["alignment"][0] != values(body)["alignment"][1]


def test_cka_compares_steps_layers_and_runs(served, trained):
    folder = served.store.folder(trained)
    body = served.get(trained, "/cka").json()
    steps = [torch.from_numpy(folder.snapshot(step)["embedding"]) for step in body["steps"]]
    matrix = unpacked(body["matrix"])
    assert matrix[0, -1] == pytest.approx(float(linear_cka(steps[0], steps[-1])), abs=1e-3) and matrix.diagonal() == pytest.approx(
        1, abs=1e-3
    )
    assert body["layers"]["names"] == ["backbone 0", "projector 0", "backbone 2", "projector 2"]
    a = served.left({0: {"embedding": normal(40, 6)}, 9: {"embedding": normal(40, 6, seed=1)}})
    b = served.left({0: {"embedding": 2 * normal(40, 6)[:30, ::-1].copy()}}, images=IMAGES[:30])  # a dear network: fewer of the same images
    other = served.get(a, "/cka", other=b).json()["other"]
    assert other["images"] == 30 and other["steps"] == [0]
    same, different = unpacked(other["matrix"])[:, 0]
    assert same == pytest.approx(1, abs=1e-4) and different < 0.5
    assert "measured on the same images to be compared" in served.get(a, "/cka", other=trained).json()["other"]["sentence"]
    assert "must have features of the projector" in served.get(trained, "/cka", other=a, layer="projector").json()["other"]["sentence"]


@pytest.mark.parametrize(
    ("what", "query", "status", "sentence"),
    [
        ("", {"step": 7}, 400, "step must be one at which run"),
        ("", {"step": "-1"}, 400, "step must be a whole number from 0, got -1"),
        ("", {"layer": "<b>"}, 400, "layer must be one of backbone, projector, got <b>"),
        ("/cka", {"other": "nowhere1"}, 404, "there is no run nowhere1"),
    ],
)
def test_what_cannot_be_asked_is_answered_by_a_sentence(served, trained, what, query, status, sentence):
    found = served.get(trained, what, **query)
    assert found.status_code == status and sentence in found.json()["error"]


def test_a_run_of_an_older_version_shows_what_it_has(served):
    run = served.left({0: {"embedding": normal(40, 6)}, 5: {"embedding": normal(40, 6, seed=1)}}, {"class": np.arange(40) % 4})
    assert served.get(run).json()["layers"] == ["backbone"] and len(served.get(run, "/cka").json()["steps"]) == 2
    assert "no projector, or is of an older version" in served.get(run, layer="projector").json()["error"]
    assert "must have kept its weights to be shown new views" in served.get(run, "/views").json()["error"]


def test_labels_may_be_missing_one_or_partly_there(served):
    snapshots = {0: {"embedding": normal(40, 6)}}
    assert served.get(served.left(snapshots)).json()["factors"] == []
    labels = {"one": np.zeros(40, int), "none": np.full(40, -1), "some": np.arange(40) % 3 - 1}
    found = {each["factor"]: each for each in served.get(served.left(snapshots, labels)).json()["factors"]}
    assert [(each["classes"], each["labeled"]) for each in found.values()] == [(1, 40), (0, 0), (2, 26)]
    assert found["some"]["chance"] == 0.5 and "knn" not in found["none"]["values"]


def test_constant_features_are_said_to_be_constant(served):
    body = served.get(served.left({0: {"embedding": np.ones((40, 6), np.float32)}}, {"class": np.arange(40) % 4})).json()
    assert body["constant"] and values(body)["participation_ratio"][0] == 1
    assert not unpacked(body["correlation"]).any()


def test_a_run_that_has_not_begun_or_is_deleted_says_so(served):
    assert "it has not begun, or its files are gone" in served.get(served.left({})).json()["error"]
    run = served.left({0: {"embedding": normal(40, 6)}})
    assert served.get(run).status_code == 200
    shutil.rmtree(served.store.folder(run).path)
    assert served.get(run).status_code == 400
    broken = served.left({0: {"embedding": np.full((40, 6), np.nan, np.float32)}})
    assert (
        "at step 0 the network's features were no longer finite numbers, and cannot be measured: look at an earlier step"
        in served.get(broken).json()["error"]
    )


def test_a_long_run_is_compared_at_steps_spread_evenly():
    assert spread(range(7)) == list(range(7))
    found = spread(range(0, 2000, 10))
    assert len(found) == MOST and found[0] == 0 and found[-1] == 1990


def test_a_picture_of_many_dimensions_shows_true_correlations():
    matrix = torch.eye(300)
    matrix[3, 250] = matrix[250, 3] = 0.9
    picture = in_picture(matrix)
    assert picture.shape == (SHOWN, SHOWN) and torch.equal(picture.diagonal(), torch.ones(SHOWN))


@pytest.mark.slow
def test_a_portrait_of_views_is_that_of_its_functions():
    views = torch.from_numpy(normal(12, 4, 6))
    found = of_views(views)
    assert (found.images, found.views) == (12, 4) and found.measures["lidar"] == pytest.approx(float(lidar(views)))
