"""What is known of the watched images is found once, and not again by every run on them."""

import pytest
import torch

from playground.config import RunConfig
from playground.datasets.base import Images
from playground.diagnostics import probes
from playground.diagnostics.pictures import variety
from playground.events import Baseline, Started
from playground.training.run import train


def images(count=40):
    pixels = torch.randint(0, 256, (count, 3, 8, 8), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    return Images(pixels, {"kind": torch.arange(count) % 2}, {"kind": ["a", "b"]})


def test_images_are_the_same_only_where_they_are_one():
    some = images()
    assert some.to(torch.device("cpu")) is some and some == some and some != images() and len({some, images()}) == 2


def test_variety_is_the_standard_deviation_that_torch_finds():
    pixels, found = images().pixels, variety(images())
    assert abs(found["difference"] - float((2 * (pixels.double() / 255).flatten(1).var(0, correction=0).mean()).sqrt())) < 1e-6
    within = (pixels.double() / 255).flatten(2).var(2, correction=0).mean(1).sqrt().mean()
    assert abs(found["detail"] - float(within)) < 1e-6


@pytest.mark.slow
def test_the_next_run_on_the_same_images_finds_them_known(tmp_path, monkeypatch):
    measured = []
    voted = probes._voted
    monkeypatch.setattr(probes, "_voted", lambda features, factors: measured.append(features.shape[1]) or voted(features, factors))

    def told(seed):
        config = RunConfig(network="resnet-tiny", batch_size=16, steps=1, seed=seed, device="cpu")
        events = list(train(config, folder=tmp_path, measure_at=(1,)))
        return [each.values["pixels"] for each in events if isinstance(each, Baseline)], [
            e.facts["pictures"] for e in events if isinstance(e, Started)
        ]

    first, second = told(0), told(1)
    assert first == second and first[0] and measured.count(3 * 32 * 32) == 1
