"""BYOL: the prediction error against an independent library and against the squared distance, and the teacher."""

import math
import warnings

import pytest
import torch
import torch.nn.functional as F

from playground.methods.byol import prediction_error
from support.trainings import tiny_config, trainer_of

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    lightly_losses = pytest.importorskip("lightly.loss", reason="lightly is not installed: pip install -e '.[test]'")


def test_byol_error_agrees_with_lightly_and_with_the_squared_distance(pair):
    theirs = lightly_losses.NegativeCosineSimilarity()(*pair)
    assert float(prediction_error(*pair)) == pytest.approx(2 + 2 * float(theirs), abs=1e-5)
    distance = (F.normalize(pair[0], dim=1) - F.normalize(pair[1], dim=1)).square().sum(1).mean()
    assert float(prediction_error(*pair)) == pytest.approx(float(distance), abs=1e-9)


@pytest.mark.slow
def test_the_teacher_of_byol_is_a_copy_that_follows():
    trainer = trainer_of(tiny_config(method="byol", batch_size=32, steps=12, **{"method.momentum": 0.9}))
    method = trainer.method
    before = [weight.clone() for weight in method.teacher.parameters()]
    trainer.update()
    student = [*method.backbone.parameters(), *method.projector.parameters()]
    kept = 1 - 0.1 * (math.cos(math.pi / 12) + 1) / 2
    for old, new, now in zip(before, method.teacher.parameters(), student, strict=True):
        assert torch.allclose(new, kept * old + (1 - kept) * now.detach(), atol=1e-6)
        assert not new.requires_grad
