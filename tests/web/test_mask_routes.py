"""What runs paint under masks, over a real socket, with real tiny runs."""

import base64
import io

import numpy as np
import pytest
import torch
from PIL import Image

from playground import RunConfig
from playground.datasets import load_images
from playground.methods.shared.masked import masked_mean
from playground.runs.trained import trained
from playground.views.masking import Mask
from playground.web.masks import bits_of, hidden_of, probe_image
from support import trainings
from support.serving import Served
from support.trainings import tiny_config

pytestmark = pytest.mark.slow  # over runs that are trained first

VIT = {"network": "vit-tiny", "steps": 3}
RUNS = {
    "mae": {},
    "normalized": {"method": "mae", "method.normalize_patches": True},
    "beit": {},
    "coarse": {"method": "mae", "network.patch_size": 8},
}
BEGUN = {
    "empty": {"method": "mae"},
    "ijepa": {"method": "ijepa"},
    "simclr": {"method": "simclr", "network": "resnet-tiny"},
}  # no more than that


class WithRuns(Served):
    """A server with runs of many kinds."""

    def __init__(self, home):
        super().__init__(home, "/api/runs/")
        self.runs = {name: trainings.trained(self.store, tiny_config(**VIT | {"method": name} | more)) for name, more in RUNS.items()}
        self.runs |= {name: self.store.create(tiny_config(**VIT | more)) for name, more in BEGUN.items()}

    def get(self, name, what, **query):
        return self.http.get(f"{self.runs.get(name, name)}/{what}", params=query)


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    with WithRuns(tmp_path_factory.mktemp("home")) as served:
        yield served


def pixels(address):
    head, _, data = address.partition(",")
    assert head == "data:image/png;base64"
    return np.array(Image.open(io.BytesIO(base64.b64decode(data)))).astype(float) / 255


HIDDEN = torch.zeros(8, 8, dtype=torch.bool)
HIDDEN[2:5, 1:6] = True
HIDDEN = HIDDEN.flatten()


@pytest.mark.parametrize("name", ["mae", "normalized", "beit"])
def test_a_drawn_mask_comes_back_as_the_method_fills_it(served, name):
    found = served.get(name, "fill", image=3, hidden=bits_of(HIDDEN)).json()
    method = trained(served.store, served.runs[name]).method
    image = load_images(RunConfig().data, None)[1].pixels[3:4].float() / 255
    filled = method.fill(image, Mask.of(HIDDEN[None]))
    rows = method.rows(image, HIDDEN[None], filled)
    assert list(found["pictures"]) == list(rows)
    for name, row in rows.items():
        assert np.abs(pixels(found["pictures"][name]) - row[0].movedim(0, -1).numpy()).max() < 0.01
    assert found["errors"] == pytest.approx(filled.error[0].tolist(), rel=1e-3)
    assert found["error"] == pytest.approx(float(masked_mean(filled.error, HIDDEN[None])), rel=1e-3)
    assert (found["step"], found["unit"], found["borrows"]) == (3, method.unit, method.borrows)


def test_two_runs_see_one_image_under_one_mask(served):
    query = {"image": 5, "of": served.runs["mae"], "strategy": "attention", "seed": 2}
    first, second = (served.get(name, "ratios", **query).json()["ratios"] for name in ("mae", "normalized"))
    assert [each["masked"] for each in first] == [each["masked"] for each in second]
    assert [each["pasted"] for each in first] != [each["pasted"] for each in second]
    alone = served.get("normalized", "ratios", **query | {"of": served.runs["normalized"]}).json()["ratios"]
    assert [each["masked"] for each in alone] != [each["masked"] for each in second]


def test_ratios_rise_and_averages_count_their_masks(served):
    found = served.get("mae", "ratios", image=1, strategy="block", seed=4).json()
    assert [round(each["ratio"], 1) for each in found["ratios"]][:9] == [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]
    assert found == served.get("mae", "ratios", image=1, strategy="block", seed=4).json()
    mean = served.get("mae", "average", image=1, ratio=0.05, seed=4).json()
    assert sum(mean["times"]) == mean["masks"] * 4 and len(mean["errors"]) == 64
    assert [each is None for each in mean["errors"]] == [times == 0 for times in mean["times"]]
    assert pixels(mean["picture"]).shape == (32, 32, 3)


def test_attention_is_a_distribution_a_head(served):
    found = served.get("mae", "attention", image=1, patch=63).json()
    assert np.array(found["heads"]).shape == (4, 64) and np.allclose(np.sum(found["heads"], 1), 1, atol=1e-4)


FINE = bits_of(HIDDEN)


@pytest.mark.parametrize(
    ("name", "what", "query", "status", "sentence"),
    [
        ("nowhere1", "fill", {"hidden": FINE}, 404, "there is no run nowhere1"),
        ("empty", "fill", {"hidden": FINE}, 400, "must have a checkpoint to look at, got none: where it still trains"),
        ("simclr", "fill", {"hidden": FINE}, 400, "must be of a method that fills in, got simclr: it hides no patches"),
        ("ijepa", "ratios", {}, 400, "got ijepa: it predicts features of hidden blocks and has no pixel decoder"),
        ("mae", "fill", {}, 400, "hidden must be 16 hexadecimal digits, the bits of 64 patches, got nothing"),
        ("mae", "fill", {"hidden": FINE + "0"}, 400, "hidden must be 16 hexadecimal digits"),
        ("mae", "fill", {"hidden": "xyz" * 9}, 400, "hidden must be 16 hexadecimal digits"),
        ("mae", "fill", {"hidden": "0" * 16}, 400, "a mask must hide at least 1 of 64 patches, got 0"),
        ("mae", "fill", {"hidden": "f" * 16}, 400, "a mask must leave at least 1 of 64 patches visible, got 0"),
        ("mae", "fill", {"hidden": FINE, "image": 100_000}, 400, "image must be below 256, the number of probe images, got 100000"),
        ("mae", "fill", {"hidden": FINE, "image": "-1"}, 400, "image must be a whole number from 0, got -1"),
        ("mae", "average", {"ratio": 1.5}, 400, "ratio must be from 0.05 to 0.95, got 1.5"),
        ("mae", "average", {"ratio": "nan"}, 400, "ratio must be from 0.05 to 0.95, got nan"),
        ("mae", "ratios", {"strategy": "spiral"}, 400, "strategy must be one of random, block, grid, attention, got spiral"),
        ("mae", "ratios", {"seed": "9" * 30}, 400, "seed must be a whole number from 0, got 99999999999999999999"),
        ("mae", "attention", {"patch": 64}, 400, "patch must be below 64, the number of patches, got 64"),
        ("mae", "fill", {"hidden": FINE, "of": "nowhere1"}, 404, "there is no run nowhere1"),
        (
            "mae",
            "ratios",
            {"of": "coarse"},
            400,
            "must have images and patches of one size, got 32 px in patches of 8 and 32 px in patches of 4",
        ),
    ],
)
def test_what_cannot_be_has_its_sentence(served, name, what, query, status, sentence):
    if "of" in query:
        query = query | {"of": served.runs.get(query["of"], query["of"])}
    found = served.get(name, what, **query)
    assert found.status_code == status and sentence in found.json()["error"] and "\n" not in found.json()["error"]


@pytest.mark.parametrize("patches", [4, 9, 49, 64])
def test_bits_come_back_as_they_went(patches):
    hidden = torch.rand(patches, generator=torch.Generator().manual_seed(patches)) < 0.5
    assert torch.equal(hidden_of(bits_of(hidden), patches), hidden)
    if patches % 4:
        with pytest.raises(ValueError, match=f"no bits after those of {patches} patches"):
            hidden_of("0" * (patches // 4) + "1", patches)


def test_the_image_is_the_probe_sets_own(served):
    probe = load_images(RunConfig().data, None)[1]
    for number in (0, 37, 255):
        assert torch.equal(probe_image(served.store, served.runs["mae"], number), probe.pixels[number : number + 1].float() / 255)
