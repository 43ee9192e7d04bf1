"""The addresses of the Augmentations page over a real socket: pictures, numbers, tags, and a sentence for what cannot be."""

import base64
import io

import numpy as np
import pytest
import torch
from PIL import Image

from playground import RunConfig, train
from playground.analysis.views import local_views, steps, views
from playground.datasets import load_images
from playground.events import Checkpoint
from support.serving import Served


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The server has this home, too."""
    with pytest.MonkeyPatch.context() as environment:
        folder = tmp_path_factory.mktemp("home")
        environment.setenv("SSL_PLAYGROUND_HOME", str(folder))
        with Served(folder, "/api/") as served:
            yield served


def tiles(atlas):
    """A sprite sheet -> (count, 3, H, W) uint8."""
    kind, _, data = atlas["picture"].partition(",")
    assert kind == "data:image/png;base64"
    sheet = torch.from_numpy(np.array(Image.open(io.BytesIO(base64.b64decode(data))))).movedim(-1, 0)
    side, rows = atlas["height"], sheet.shape[1] // atlas["height"]
    cut = [
        sheet[:, r * side : (r + 1) * side, c * atlas["width"] : (c + 1) * atlas["width"]]
        for r in range(rows)
        for c in range(atlas["columns"])
    ]
    return torch.stack(cut)[: atlas["count"]]


def as_bytes(pictures):
    return (pictures * 255).round().to(torch.uint8)


@pytest.mark.slow
def test_the_pictures_are_those_of_the_config_the_image_and_the_draw(site):
    query = {"method": "dino", "augment.hue": 0.3, "crops.local_views": 3, "seed": 4, "image": 11, "draw": 2, "views": 10}
    found = site.http.get("views", params=query).json()
    config = RunConfig(method="dino", seed=4, **{"augment.hue": 0.3, "crops.local_views": 3})
    images = load_images(config.data, None)[0]
    assert torch.equal(tiles(found["original"])[0], images.pixels[11])
    assert torch.equal(tiles(found["views"]), as_bytes(views(config, images.pixels[11], 2, 10).pictures))
    assert torch.equal(tiles(found["local"]), as_bytes(local_views(config, images.pixels[11], 2).pictures))
    assert len(found["views"]["facts"]) == 10 and found["image"]["labels"]["shape"] == images.names["shape"][images.factors["shape"][11]]
    made = site.http.get("views/steps", params=query | {"view": 4}).json()
    assert torch.equal(tiles(made), as_bytes(torch.cat(steps(config, images.pixels[11], 2, 4))))
    assert made["facts"] == found["views"]["facts"][4] and made["view"] == 4


@pytest.mark.slow
def test_the_rest_answers_too(site):
    overlap = site.http.get("views/overlap", params={"augment.crop_scale_min": 0.2}).json()
    assert 0 < overlap["union"]["mean"] < 1 and sum(overlap["union"]["counts"]) == pytest.approx(1) and "inside" not in overlap
    sides = site.http.get("views/presets", params={"image": 4095}).json()
    assert sides["images"] == [4095, 0, 1, 2, 3, 4]
    assert [each["name"] for each in sides["presets"]] == ["now", "none", "weak", "simclr", "moco-v2", "byol", "dino", "own"]
    read = site.http.get("views/probes", params={"network": "resnet-tiny"}).json()
    assert {each["factor"] for each in read["factors"]} == {"shape", "color", "size", "position", "rotation", "background"}
    assert site.http.get("views/probes", params={"network": "resnet-tiny"}).json() == read


@pytest.mark.slow
def test_a_run_has_a_profile_beside_the_network_it_began_as(site, tiny):
    store, config = site.pool.store, RunConfig(**tiny)
    run = store.create(config)
    none = site.http.get("views/invariance", params={"run": run})
    assert none.status_code == 400 and "must have a checkpoint" in none.json()["error"]
    checkpoint = [event for event in train(config) if isinstance(event, Checkpoint)][-1]
    store.folder(run).save_checkpoint(checkpoint.step, checkpoint.state)
    found = site.http.get("views/invariance", params={"run": run}).json()
    assert (found["run"], found["step"]) == (run, 6)
    alone = site.http.get("views/invariance", params={"network": "resnet-tiny"}).json()
    for with_run, without in zip(found["operators"], alone["operators"], strict=True):
        assert with_run["untrained"] == without["untrained"] and without["trained"] is None
        assert len(with_run["trained"]) == len(with_run["strengths"])
    assert any(each["trained"] != each["untrained"] for each in found["operators"])
    assert site.http.get("views/invariance", params={"run": "nowhere1"}).status_code == 404


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("views?image=4096", "image must be a whole number from 0 to 4095, got 4096"),
        ("views?image=-1", "image must be a whole number from 0 to 4095, got -1"),
        ("views?draw=soon", "draw must be a whole number from 0 to 1000000, got soon"),
        ("views?views=33", "views must be a whole number from 1 to 32, got 33"),
        ("views?views=0", "views must be a whole number from 1 to 32, got 0"),
        ("views/steps?view=32", "view must be a whole number from 0 to 31, got 32"),
        ("views?image=²", "image must be a whole number from 0 to 4095, got ²"),
        ("views?augment.hue=9", "augment: hue must be from 0 to 0.5, got 9"),
        ("views/overlap?augment.hue=nan", "augment: hue must be from 0 to 0.5, got nan"),
        ("views/presets?data=cifar10", "cifar10 must be in"),
        ("views/probes?tempo=3", "there is no setting tempo"),
        ("views?crops.local_views=2", "simclr uses no local views"),
    ],
)
def test_what_cannot_be_is_one_sentence(site, address, sentence):
    answer = site.http.get(address)
    assert answer.status_code == 400 and answer.json()["error"].startswith(sentence)


@pytest.mark.slow
def test_an_answer_that_the_browser_has_is_not_made_again(site):
    first = site.http.get("views?image=3")
    again = site.http.get("views?image=3", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert site.http.get("views?image=4", headers={"If-None-Match": first.headers["etag"]}).status_code == 200
