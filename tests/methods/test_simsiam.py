"""SimSiam: the loss, and what the stop-gradient stops."""

import warnings

import pytest
import torch
from torch import nn

from playground.methods.simsiam import negative_cosine
from support.trainings import tiny_config, trainer_of

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    loss_module = pytest.importorskip("lightly.loss", reason="lightly is not installed: pip install -e '.[test]'")


def method_of(**more):
    trainer = trainer_of(tiny_config(method="simsiam", batch_size=32, steps=12, **more))
    return trainer.method, trainer.batch(1)


def test_it_agrees_with_lightly():
    generator = torch.Generator().manual_seed(0)
    p, z = (torch.randn(10, 16, generator=generator).double() for _ in range(2))
    assert float(negative_cosine(p, z)) == pytest.approx(float(loss_module.NegativeCosineSimilarity()(p, z)), abs=1e-9)


@pytest.mark.slow
def test_the_loss_is_the_mean_of_both_directions_and_only_the_predictions_move():
    """Equation 4, view by view: the gradient is that of targets which are mere numbers."""
    method, batch = method_of()
    views, generator = torch.cat(batch.views), torch.Generator()
    ours = method.loss(batch, generator)["loss"]
    z = method.projector(method.backbone(views))
    z1, z2 = z.chunk(2)
    p1, p2 = method.predictor(z).chunk(2)
    fixed1, fixed2 = torch.tensor(z1.tolist()), torch.tensor(z2.tolist())
    theirs = -(nn.functional.cosine_similarity(p1, fixed2).mean() + nn.functional.cosine_similarity(p2, fixed1).mean()) / 2
    assert ours.item() == pytest.approx(theirs.item(), abs=1e-5)
    weight = method.projector[0].weight
    assert torch.allclose(*(torch.autograd.grad(loss, weight)[0] for loss in (ours, theirs)), atol=1e-6)
    free, _ = method_of(**{"method.stop_gradient": False})
    free.load_state_dict(method.state_dict())
    moved = torch.autograd.grad(free.loss(batch, generator)["loss"], free.projector[0].weight)[0]
    assert not torch.allclose(moved, torch.autograd.grad(method.loss(batch, generator)["loss"], weight)[0], atol=1e-6)


@pytest.mark.slow
def test_the_projector_ends_in_batch_norm_until_it_is_taken_away():
    method, batch = method_of()
    z = method.project(method.embed(batch.views[0]))
    assert torch.allclose(z.mean(0), torch.zeros(z.shape[1]), atol=1e-4)
    bare, _ = method_of(**{"method.projector_norm": False})
    assert not [layer for layer in bare.projector if isinstance(layer, nn.BatchNorm1d)]
    assert [layer for layer in bare.predictor if isinstance(layer, nn.BatchNorm1d)]
