"""DINO: the loss against lightly and loops, the center, the teacher that follows, the schedule, and crops of any size."""

import math
import warnings

import pytest
import torch
import torch.nn.functional as F

from playground.methods.dino import Head, sharpened
from playground.methods.swav import swapped_prediction
from playground.randomness import seeded_generator
from support.trainings import tiny_config, trainer_of

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    lightly = pytest.importorskip("lightly.loss", reason="lightly is not installed: pip install -e '.[test]'")


def trainer(**more):
    return trainer_of(tiny_config(**{"method": "dino", "batch_size": 16, "steps": 20} | more))


def scores(views, seed=0):
    return torch.rand(views, 12, 6, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def loss_in_loops(teacher, student, center, teacher_temperature, student_temperature):
    """Caron et al., 2021, algorithm 1, in float64: every pair of a teacher's view and another one of the student's."""
    total, terms = 0.0, 0
    for t, taught in enumerate(teacher.tolist()):
        for s, answered in enumerate(student.tolist()):
            if s == t:
                continue
            for taught_row, answered_row in zip(taught, answered, strict=True):
                up = [math.exp((x - c) / teacher_temperature) for x, c in zip(taught_row, center.tolist(), strict=True)]
                down = [math.exp(x / student_temperature) for x in answered_row]
                total -= sum(a / sum(up) * math.log(b / sum(down)) for a, b in zip(up, down, strict=True))
                terms += 1
    return total / terms


@pytest.mark.parametrize("views", [2, 5])
def test_the_loss_agrees_with_lightly_and_with_loops(views):
    teacher, student, center = scores(2), scores(views, 1), scores(1, 2)[0, 0]
    theirs = lightly.DINOLoss(6, 0.04, 0.04, student_temp=0.1)
    theirs.center.copy_(center)
    ours = float(swapped_prediction(sharpened(teacher, center, 0.04), student / 0.1))
    assert ours == pytest.approx(float(theirs(list(teacher), list(student))), abs=1e-5)
    assert ours == pytest.approx(loss_in_loops(teacher.double(), student.double(), center.double(), 0.04, 0.1), abs=1e-5)


@pytest.mark.slow
def test_the_center_follows_the_teachers_scores_after_the_loss():
    made = trainer(**{"method.center_momentum": 0.9, "crops.local_views": 0})
    batch, method = made.batch(1), made.method
    method.before_step(2, None, None)
    with torch.no_grad():
        method.center.copy_(torch.linspace(-0.2, 0.2, len(method.center)))
        before, taught = method.center.clone(), method.teacher(torch.cat(batch.views)).unflatten(0, (2, -1))
        answer = method.head(method.backbone(torch.cat(batch.views))).unflatten(0, (2, -1)) / 0.1
        values = method.loss(batch, seeded_generator(0, "loss", 1))
    expected = swapped_prediction(sharpened(taught, before, made.method._temperature()), answer)
    assert float(values["loss"]) == pytest.approx(float(expected), abs=1e-5)
    assert torch.allclose(method.center, 0.9 * before + 0.1 * taught.mean((0, 1)), atol=1e-6)


@pytest.mark.slow
def test_the_first_batch_puts_the_center_where_its_scores_are():
    made = trainer(**{"method.center_momentum": 0.9, "crops.local_views": 0})
    batch, method = made.batch(1), made.method
    with torch.no_grad():
        taught = method.teacher(torch.cat(batch.views)).mean(0)
        method.before_step(1, None, None)
        method.loss(batch, seeded_generator(0, "loss", 1))
    assert torch.allclose(method.center, taught, atol=1e-5)


@pytest.mark.slow
def test_the_parts_add_up():
    values = trainer().update()
    assert float(values["loss"]) == pytest.approx(float(values["teacher_entropy"] + values["kl"]), abs=1e-6)
    assert float(values["kl"]) >= 0 and 0 < float(values["student_entropy"]) <= math.log(256) + 1e-5


@pytest.mark.slow
def test_the_teacher_sees_global_views_only_and_follows():
    made = trainer(**{"method.momentum": 0.9})
    sizes = []
    made.method.teacher.register_forward_pre_hook(lambda _, images: sizes.append(tuple(images[0].shape)))
    before = [weight.clone() for weight in made.method.teacher.parameters()]
    made.update()
    assert sizes == [(32, 3, 32, 32)]
    kept = 1 - 0.1 * (math.cos(math.pi / 20) + 1) / 2
    student = [*made.method.backbone.parameters(), *made.method.head.parameters()]
    for old, new, now in zip(before, made.method.teacher.parameters(), student, strict=True):
        assert torch.allclose(new, kept * old + (1 - kept) * now.detach(), atol=1e-6)
        assert not new.requires_grad


@pytest.mark.slow
def test_the_teachers_temperature_warms_up():
    method = trainer(**{"method.start_temperature": 0.02, "method.teacher_temperature": 0.06, "method.temperature_warmup": 0.5}).method
    found = []
    for step in (1, 6, 11, 20):
        method.before_step(step, None, None)
        found.append(method._temperature())
    assert found == pytest.approx([0.02, 0.04, 0.06, 0.06])


@pytest.mark.slow
def test_the_last_layer_gives_cosines_and_stays_as_it_began_while_frozen():
    head = Head(8, 16, 4, 10)
    x = torch.randn(32, 8, generator=torch.Generator().manual_seed(0))
    expected = F.cosine_similarity(head.body(x)[:, None], head.last[None], dim=2)
    assert torch.allclose(head(x), expected, atol=1e-5)
    made = trainer(**{"method.freeze": 0.15, "optimizer.warmup_fraction": 0})
    first, moved = F.normalize(made.method.head.last.detach().clone(), dim=1), []
    for _ in range(5):
        made.update()
        moved.append(not torch.allclose(F.normalize(made.method.head.last, dim=1), first, atol=1e-6))
    assert moved == [False] * 3 + [True] * 2


@pytest.mark.slow
@pytest.mark.parametrize("network", ["resnet-tiny", "vit-tiny"])
def test_local_crops_of_16_pixels_reach_both_kinds_of_network(network):
    made = trainer(network=network, **{"crops.local_views": 1, "crops.local_size": 16})
    assert made.batch(1).local_views[0].shape == (16, 3, 16, 16)
    assert torch.isfinite(made.update()["loss"])


@pytest.mark.slow
def test_what_is_judged_is_the_teacher():
    made = trainer()
    made.update()
    method, images = made.method.eval(), made.images.pixels[:8].float() / 255
    with torch.no_grad():
        assert torch.equal(method.embed(images), method.teacher[0](images))
        assert not torch.equal(method.embed(images), method.backbone(images))
        shares = method.assignments(images)["teacher"]
    assert torch.allclose(shares.sum(1), torch.ones(8), atol=1e-5)
