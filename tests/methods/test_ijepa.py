"""I-JEPA: blocks that always exist, targets without leaks, and a teacher that follows."""

import pytest
import torch
import torch.nn.functional as F

from playground.config import RunConfig
from playground.datasets import load_images
from playground.knobs import ConfigError
from playground.methods.ijepa import context_places, target_places, without_scale
from playground.randomness import seeded_generator
from support.trainings import trainer_of


def fresh(**more):
    settings = {"method": "ijepa", "network": "vit-tiny", "batch_size": 16, "steps": 10, "device": "cpu"}
    return trainer_of(RunConfig(**settings | more))


def images(count=4):
    return load_images(RunConfig().data, None)[1].pixels[:count].float() / 255


@pytest.mark.parametrize(("grid", "size"), [(2, 1), (3, 2), (4, 1), (4, 3), (7, 11), (8, 3), (8, 10), (8, 15), (16, 40)])
def test_blocks_have_exactly_their_size_are_connected_and_the_context_never_meets_them(grid, size):
    generator, many = torch.Generator().manual_seed(0), min(4, (grid**2 - 1) // size)
    targets = target_places(30, many, size, grid, generator)
    context = context_places(targets, grid, generator)
    assert targets.shape == (30, many, size) and context.shape == (30, grid**2 - many * size)
    for image in range(30):
        covered = set(targets[image].flatten().tolist())
        assert len(set(context[image].tolist())) == context.shape[1] and not covered & set(context[image].tolist())
        for block in targets[image].tolist():
            rows, columns = [place // grid for place in block], [place % grid for place in block]
            assert len(set(block)) == size
            height, width = max(rows) - min(rows) + 1, max(columns) - min(columns) + 1
            assert height * width - size < width  # a rectangle that lacks less than one row
            assert 0.4 <= height / width <= 2.7 or size < 6


def test_targets_reach_every_place_and_no_side_is_preferred():
    targets = target_places(2000, 4, 11, 8, torch.Generator().manual_seed(0))
    shares = torch.bincount(targets.flatten(), minlength=64).unflatten(0, (8, 8)) / 8000
    assert shares.min() > 0.01 and float((shares - shares.flip(0, 1)).abs().max()) < 0.03


def test_the_same_seed_gives_the_same_blocks():
    first, again, other = (target_places(5, 4, 10, 8, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))
    assert torch.equal(first, again) and not torch.equal(first, other)


@pytest.mark.slow
def test_the_loss_is_smooth_l1_on_normalized_features_of_the_whole_image():
    """Block by block, patch by patch, in float64."""
    method = fresh().method.eval()
    with torch.no_grad():
        predicted, target, places = method._predict(images(), seeded_generator(0, "loss", 1))
        features = method.teacher.encode(method.teacher.patches(images())).double()
    total = []
    for image in range(4):
        for i, place in enumerate(places[image].tolist()):
            whole = features[image, place]
            wanted = (whole - whole.mean()) / (whole.var(unbiased=False) + 1e-5).sqrt()
            assert torch.allclose(wanted, target[image, i].double(), atol=1e-5)
            off = (predicted[image, i].double() - wanted).abs()
            total.append(torch.where(off < 1, off.square() / 2, off - 0.5).mean())
    assert float(F.smooth_l1_loss(predicted, target)) == pytest.approx(float(torch.stack(total).mean()), abs=1e-5)
    assert torch.allclose(without_scale(features).mean(-1), torch.zeros(4, 64).double(), atol=1e-9)


@pytest.mark.slow
def test_the_student_sees_only_the_context_and_each_block_is_predicted_alone():
    method = fresh().method.eval()
    with torch.no_grad():
        predicted, _, places = method._predict(images(), seeded_generator(0, "loss", 1))
        targets = places.unflatten(1, (4, -1))
        first = torch.zeros(4, 64, dtype=torch.bool).scatter(1, places, True)
        covered = first.unflatten(1, (1, 8, 8)).repeat_interleave(4, 2).repeat_interleave(4, 3)
        again, _, _ = method._predict(torch.where(covered, 1 - images(), images()), seeded_generator(0, "loss", 1))
    assert torch.equal(predicted, again)
    assert targets.shape == (4, 4, 10)


@pytest.mark.slow
def test_the_teacher_follows_and_has_no_gradient():
    trainer = fresh(**{"method.momentum": 0.9})
    before = [weight.clone() for weight in trainer.method.teacher.parameters()]
    trainer.update()
    kept = 1 - 0.1 * (1 - 1 / 10)
    for old, new, now in zip(before, trainer.method.teacher.parameters(), trainer.method.backbone.parameters(), strict=True):
        assert torch.allclose(new, kept * old + (1 - kept) * now.detach(), atol=1e-6) and new.grad is None


@pytest.mark.slow
@pytest.mark.parametrize("moving", [False, True])
def test_without_stop_gradient_the_targets_pull_at_the_student(moving):
    """What the switch does: the target has a gradient for the student, and its value is still the teacher's."""
    on, off = (fresh(**{"method.stop_gradient": stop, "method.moving_average": moving}).method for stop in (True, False))
    assert not on._targets(images(), on._vit.patches(images())).requires_grad
    target = off._targets(images(), off._vit.patches(images()))
    target[:, 0, 0].sum().backward()
    assert float(off.backbone.blocks[0].qkv.weight.grad.abs().sum()) > 0
    assert torch.allclose(target.detach(), on._targets(images(), on._vit.patches(images())).detach(), atol=1e-5)


@pytest.mark.slow
def test_knowing_only_the_place_explains_nothing():
    """A predictor that says each place's mean scores 0; a perfect one scores 1."""
    method, probe = fresh().method.eval(), images(32)
    with torch.no_grad():
        _, target, places = method._predict(probe, seeded_generator(0, "probe", 0))
        mean = method._targets(probe, method._vit.patches(probe)).mean(0)[places]
        for said, score in ((mean, 0.0), (target, 1.0)):
            method._predict = lambda images, generator, said=said: (said, target, places)
            assert float(method.diagnostics(probe, seeded_generator(0, "probe", 0))["explained"]) == pytest.approx(score, abs=1e-5)


def test_more_targets_than_an_image_has_room_for_are_refused():
    with pytest.raises(ConfigError, match="targets must be fewer than the image's 4 patches, got 4"):
        RunConfig(method="ijepa", **{"network.patch_size": 16})


@pytest.mark.slow
def test_what_is_judged_is_the_teacher():
    trainer = fresh()
    trainer.update()
    method = trainer.method.eval()
    with torch.no_grad():
        assert torch.equal(method.embed(images()), method.teacher(images()))
        assert not torch.equal(method.embed(images()), method.backbone(images()))
