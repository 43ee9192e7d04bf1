"""Before the first step, evaluation mode and training mode are one network."""

import copy

import pytest
import torch
from torch.nn.modules.batchnorm import _BatchNorm

from playground.config import RunConfig
from playground.datasets import load_images
from playground.diagnostics import CATALOG as DIAGNOSTICS
from playground.methods import CATALOG
from playground.training.trainer import untrained
from playground.views.augment import augment
from support.trainings import smallest, trainer_of


def fresh(config):
    return untrained(config, load_images(RunConfig().data, None)[0])


def norms(module):
    return {name: each for name, each in module.named_modules() if isinstance(each, _BatchNorm)}


def views(config):
    """Views, as a run draws them, of images that no batch norm has seen."""
    pixels = load_images(RunConfig().data, None)[1].pixels[:256]
    return augment(pixels, config.augment, torch.Generator().manual_seed(3))


def spreads(method, images):
    """Spread and uniformity of each layer that is judged."""
    with torch.no_grad():
        layers = {"backbone": method.embed(images)}
        if (projected := method.project(layers["backbone"])) is not None:
            layers["projector"] = projected
    names = ("feature_std", "uniformity")
    inputs = {layer: {"features": each, "first": each, "second": each} for layer, each in layers.items()}
    return {(layer, name): float(DIAGNOSTICS[name](each)) for layer, each in inputs.items() for name in names}


@pytest.mark.slow
@pytest.mark.parametrize("method", CATALOG)
def test_evaluation_and_training_mode_agree_before_the_first_step(method):
    config = smallest(method)
    made = fresh(config)
    if norms(made):
        frozen_encoder, training = (spreads(copy.deepcopy(made).train(mode), views(config)) for mode in (False, True))
        assert frozen_encoder == pytest.approx(training, rel=0.05)


@pytest.mark.slow
@pytest.mark.parametrize("method", CATALOG)
def test_every_batch_norm_has_seen_images_and_moves_on_as_ever(method):
    made = fresh(smallest(method))
    assert [name for name, each in norms(made).items() if not each.running_mean.any()] == []
    assert {each.momentum for each in norms(made).values()} <= {0.1}


@pytest.mark.slow
def test_the_projector_of_simclr_begins_with_its_true_spread():
    """0.80 of the 1 / sqrt(D) of a full sphere; with batch norm as torch makes it, it would be 0.33."""
    made = fresh(smallest("simclr", network="resnet-small")).eval()
    found = spreads(made, load_images(RunConfig().data, None)[1].pixels[:256].float() / 255)
    assert found["projector", "feature_std"] * 128**0.5 == pytest.approx(0.8, abs=0.04)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["moco", "byol"])
def test_a_teacher_begins_with_the_statistics_of_its_student(method):
    made = fresh(smallest(method))
    student = norms(torch.nn.Sequential(made.backbone, made.projector))
    teacher = norms(made.key_encoder if method == "moco" else made.teacher)
    assert list(student) == list(teacher)
    for name, each in student.items():
        assert torch.allclose(each.running_mean, teacher[name].running_mean, atol=1e-6)
        assert torch.allclose(each.running_var, teacher[name].running_var, rtol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["moco", "swav", "dino"])
def test_calibration_leaves_queues_centers_and_weights_alone(method):
    """The same as a method that nobody calibrated, but for its batch norms."""
    config, made = smallest(method), {}
    for each in (True, False):
        with pytest.MonkeyPatch.context() as patch:
            if not each:
                patch.setattr("playground.training.trainer.calibrate_batchnorm", lambda *_: None)
            made[each] = fresh(config)
    own = [f"{name}." for name in norms(made[True])]
    for name, value in made[True].state_dict().items():
        same = torch.equal(value, made[False].state_dict()[name])
        assert same or any(name.startswith(each) for each in own), name


@pytest.mark.slow
def test_calibration_follows_from_the_seed():
    one, two = (fresh(smallest("simsiam")).state_dict() for _ in range(2))
    assert all(torch.equal(each, two[name]) for name, each in one.items())
    trained = trainer_of(smallest("simsiam")).method.state_dict()
    assert all(torch.equal(each, trained[name]) for name, each in one.items())
