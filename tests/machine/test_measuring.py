"""What is measured is what the network gives in float32, whatever precision it trains in."""

import numpy as np
import pytest
import torch

from playground.config import RunConfig
from playground.datasets import load_images
from playground.diagnostics.spectrum import rankme_centered
from playground.machine.measuring import KERNELS, full_float32, measuring
from playground.training.probe_set import ProbeSet
from support.trainings import tiny_config, trainer_of

SIZE, IMAGES = 128, 1024


def probe(count):
    return load_images(RunConfig().data, None)[1][:count]


class OnALine(torch.nn.Module):
    """A layer that has collapsed: all its features lie on one line, m + 0.01 r v, with another r for each image."""

    def __init__(self):
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.mean, direction = torch.randn(2, SIZE, generator=generator)
        self.width, self.places = SIZE, torch.nn.Linear(1, SIZE)
        self.places.weight.data, self.places.bias.data = 0.01 * direction[:, None], self.mean

    def forward(self, images):
        bright = images.mean((1, 2, 3), dtype=torch.float32)[:, None]
        return self.places((bright - 0.5) / 0.2)


def test_features_on_a_line_have_rank_one_and_in_half_precision_they_would_not():
    generator = torch.Generator().manual_seed(0)
    mean, direction = torch.randn(2, SIZE, generator=generator)
    features = mean + 0.01 * torch.randn(IMAGES, 1, generator=generator) * direction
    assert rankme_centered(features) == pytest.approx(1, abs=0.005)
    assert rankme_centered(features.bfloat16().float()) > 10


@pytest.mark.slow
def test_a_collapsed_layer_is_measured_as_a_line_where_training_is_in_half_precision():
    trainer = trainer_of(tiny_config(steps=4), autocast_dtype=torch.bfloat16)
    trainer.method.backbone = OnALine()
    trainer.method.projector = torch.nn.Identity()
    values, arrays = ProbeSet(probe(256), trainer).measure(trainer.method)
    assert values["rankme_centered"] == pytest.approx(1, abs=0.005)
    assert values["projector/rankme_centered"] == pytest.approx(1, abs=0.005)
    kept = torch.from_numpy(arrays["projection"])  # what pages measure of the projector afterwards
    assert kept.dtype == torch.float32 and rankme_centered(kept) == pytest.approx(1, abs=0.005)


@pytest.mark.slow
@pytest.mark.parametrize("more", [{"method": "simclr", "network": "resnet-tiny"}, {"method": "mae", "network": "vit-tiny"}])
def test_half_precision_in_training_changes_no_measurement(more):
    found = []
    for precision in (torch.bfloat16, None):
        trainer = trainer_of(tiny_config(steps=4, **more), autocast_dtype=precision)
        watched = ProbeSet(probe(32), trainer)
        first = watched.measure(trainer.method)
        with torch.no_grad():
            for weight in trainer.method.parameters():
                weight.mul_(1.01)
        found.append((first, watched.measure(trainer.method)))
    for (ours, ours_arrays), (exact, exact_arrays) in zip(*found, strict=True):
        assert ours == exact
        assert all(np.array_equal(each, exact_arrays[name]) for name, each in ours_arrays.items())
    assert found[0][1][0]["moved"] == pytest.approx(float(trainer_moved(found[0])), abs=1e-6)


def trainer_moved(measured):
    """`moved` from the embeddings as they were, in float64."""
    first, second = (torch.from_numpy(arrays["embedding"]).double() for _, arrays in measured)
    first, second = first - first.mean(0), second - second.mean(0)
    return 1 - (first.T @ second).square().sum() / ((first.T @ first).norm() * (second.T @ second).norm())


@pytest.mark.slow
def test_clusters_are_found_in_features_that_are_not_rounded():
    found = []
    for precision in (torch.bfloat16, None):
        trainer = trainer_of(tiny_config(steps=4, method="deepcluster"), autocast_dtype=precision)
        trainer.images, trainer.method.labels = trainer.images[:256], trainer.method.labels[:256]
        trainer.learn = lambda batches: {}  # what precedes the first update, alone
        trainer.update()
        found.append(dict(trainer.method.named_buffers()))
    changed = ("labels", "centers", "mean", "whitening", "reassigned")
    assert all(torch.equal(found[0][name], found[1][name]) for name in changed)


def test_measuring_leaves_everything_as_it_was():
    model, usual = torch.nn.Linear(2, 2), [each.fp32_precision for each in KERNELS]
    with pytest.raises(ZeroDivisionError), measuring(model):
        assert not model.training and [each.fp32_precision for each in KERNELS] == ["ieee"] * len(KERNELS)
        1 / 0  # noqa: B018
    assert model.training and [each.fp32_precision for each in KERNELS] == usual
    with torch.autocast("cpu", torch.bfloat16):
        with full_float32():
            assert model(torch.ones(1, 2)).dtype == torch.float32
        assert model(torch.ones(1, 2)).dtype == torch.bfloat16
