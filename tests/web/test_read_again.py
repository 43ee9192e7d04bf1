"""A run whose dataset was read again since: every page that looks at its pictures says so, and none takes the new ones for the old."""

import numpy as np
import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.testclient import TestClient

from playground import RunConfig
from playground.cli.evaluating import evaluated
from playground.datasets import intake, load_images
from playground.evaluation import Protocol
from playground.runs.condition import condition
from playground.runs.points import points_of
from playground.runs.store import Store
from playground.web.evaluation import Evaluation
from support.trainings import trained

QUICK = Protocol(parts=("knn_classifier",), shares=(1.0,), seeds=1, labels=50)


class Jobs:
    """Nobody evaluates."""

    def standing(self, run):
        return {"status": "", "message": "", "since": 0.0}


@pytest.fixture
def run(home):
    """A real run on 120 pictures of one's own: its store, its name, and the folder of the pictures."""
    chance = np.random.default_rng(0)
    for kind in ("owl", "wren"):
        (home / "birds" / kind).mkdir(parents=True)
        for row in range(60):
            Image.fromarray(chance.integers(0, 256, (32, 32, 3), np.uint8)).save(home / f"birds/{kind}/{row}.png")
    list(intake.add(home / "birds"))
    store = Store(home)
    name = trained(store, RunConfig(data="own-birds", steps=2, network="resnet-tiny", device="cpu"))
    return store, name, home / "birds"


def standing(store, name):
    """What the Evaluation page is told."""
    pool = type("Pool", (), {"store": store, "evaluations": Jobs()})()
    routes = [Route(path, answer) for path, answer in Evaluation(lambda: pool).paths().items()]
    return TestClient(Starlette(routes=routes)).get(f"/api/runs/{name}/evaluation").json()


def said(store, name):
    """What each place says of the pictures: pages and maps, the map of training images, the Evaluation page, an evaluation."""
    try:
        points_of(store, name, "backbone", "20")
        refused = ""
    except ValueError as error:
        refused = str(error)
    remarks = list(evaluated(store, name, QUICK))[-1]["remarks"]
    return condition(store.folder(name), store.run(name)), refused, standing(store, name)["since"], remarks


@pytest.mark.slow
def test_a_run_whose_pictures_were_read_again_says_so_wherever_they_are_looked_at(run):
    store, name, place = run
    pages, refused, page, few = said(store, name)
    assert (pages, refused, page) == ([], "", "")
    assert len(few) == 1 and few[0].startswith("2 of 2 classes have fewer than 20 test images")
    Image.new("RGB", (32, 32), "red").save(place / "owl/new.png")
    list(intake.read_again("birds"))
    load_images.cache_clear()
    pages, refused, page, remarks = said(store, name)
    assert len(pages) == 1 and "it has been read again since, and its pictures are others now" in pages[0]
    assert refused.startswith(pages[0]) and "choose the watched images" in refused
    assert page.startswith(pages[0]) and "may have been trained on some that it is tested on" in page
    assert sorted(remarks) == sorted([page, *few])
    assert points_of(store, name, "backbone", "probe").described()["count"]  # the run keeps these itself
