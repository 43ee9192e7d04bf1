"""MoCo: the loss against loops, and the queue: what is in it, in which order, how old it is."""

import copy
import math

import pytest
import torch
import torch.nn.functional as F

from playground.config import RunConfig
from playground.knobs import ConfigError
from playground.methods.moco import similarities
from support.trainings import tiny_config, trainer_of


def fresh(**more):
    return trainer_of(tiny_config(**{"method": "moco", "batch_size": 32, "steps": 12, "method.queue_size": 256} | more))


def vectors(count, seed):
    return torch.randn(count, 16, generator=torch.Generator().manual_seed(seed)).double()


@pytest.mark.parametrize("temperature", [0.05, 0.2, 1.0])
def test_the_loss_is_the_published_one(temperature):
    """He et al., 2020, equation 1, term by term."""
    queries, keys, queue = vectors(6, 0), F.normalize(vectors(6, 1), dim=1), F.normalize(vectors(20, 2), dim=1)
    total = 0.0
    for query, key in zip(queries, keys, strict=True):
        q = query / query.norm()
        own = math.exp(float(q @ key) / temperature)
        total -= math.log(own / (own + sum(math.exp(float(q @ each) / temperature) for each in queue)))
    assert float(F.cross_entropy(*similarities(queries, keys, queue, temperature))) == pytest.approx(total / 6, abs=1e-9)


@pytest.mark.slow
def test_each_view_looks_for_the_key_of_the_other_view():
    trainer = fresh()
    method, batch = trainer.method, trainer.batch(1)
    trainer.update()  # queries and keys differ, and the queue holds some
    queue = method.queue
    ours = method.loss(batch, torch.Generator())["loss"].item()
    q1, q2 = F.normalize(method.project(method.embed(torch.cat(batch.views))), dim=1).detach().chunk(2)
    k1, k2 = F.normalize(method.key_encoder(torch.cat(batch.views)), dim=1).chunk(2)
    total = 0.0
    for query, key in [*zip(q1, k2, strict=True), *zip(q2, k1, strict=True)]:
        total += (torch.logsumexp(torch.cat([query @ key[:, None], queue @ query]) / 0.2, 0) - query @ key / 0.2).item()
    assert ours == pytest.approx(total / 64, abs=1e-5)


@pytest.mark.slow
def test_the_queue_is_first_in_first_out():
    method = fresh().method
    batches = [torch.full((64, 128), float(number)) for number in range(1, 7)]
    for keys in batches:
        method._enqueue(keys)
    assert torch.equal(method.queue, torch.cat(batches[:1:-1]))


@pytest.mark.slow
@pytest.mark.parametrize("accumulation", [1, 2])
def test_keys_are_added_after_the_loss_by_the_key_encoder_as_it_was(accumulation):
    """The step's own keys are no negatives of its first batch, and they are what the momentum encoder made before it moved."""
    trainer = fresh(accumulation=accumulation)
    method, before = trainer.method, copy.deepcopy(trainer.method)
    values = trainer.update()
    added = []
    for part in range(accumulation):
        views = torch.cat(trainer.batch(1, part).views)
        with torch.no_grad(), trainer.device.autocast():
            added.insert(0, F.normalize(before.key_encoder(views).float(), dim=1))
    new = torch.cat(added)
    assert torch.allclose(method.queue, torch.cat([new, before.queue[: 256 - len(new)]]), atol=1e-6)
    assert not torch.equal(next(iter(method.key_encoder.parameters())), next(iter(before.key_encoder.parameters())))
    assert 0 < float(values["loss"]) < 20


@pytest.mark.slow
def test_the_age_of_the_queue_settles_at_its_mean():
    """256 keys at 64 a step: of ages 1, 2, 3 and 4 steps, 2.5 on average, after they were all 0, then 0 and 1, and so on."""
    trainer = fresh()
    ages = [float(trainer.update()["queue_age"]) for _ in range(7)]
    assert ages == [0.0, 1.0, 1.75, 2.25, 2.5, 2.5, 2.5]


@pytest.mark.slow
def test_the_key_encoder_keeps_its_share():
    """Equation 2, and the momentum that was moved counts from the very next step."""
    trainer = fresh()
    trainer.change("method.momentum", 0.75)
    before = [weight.clone() for weight in trainer.method.key_encoder.parameters()]
    trainer.update()
    now = [*trainer.method.backbone.parameters(), *trainer.method.projector.parameters()]
    for old, new, query in zip(before, trainer.method.key_encoder.parameters(), now, strict=True):
        assert torch.allclose(new, 0.75 * old + 0.25 * query.detach(), atol=1e-6)


@pytest.mark.slow
def test_a_restored_run_goes_on_with_the_same_queue():
    trainer, again = fresh(), fresh()
    for _ in range(3):
        trainer.update()
    again.restore(copy.deepcopy(trainer.state()))
    ours, theirs = trainer.update(), again.update()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert torch.equal(trainer.method.queue, again.method.queue)


def test_a_queue_that_whole_steps_do_not_fill_is_refused():
    with pytest.raises(ConfigError, match="queue_size must be a multiple of the 600 keys that one step adds"):
        RunConfig(method="moco", batch_size=300)
    with pytest.raises(ConfigError, match="multiple of the 8192 keys"):
        RunConfig(method="moco", batch_size=512, accumulation=8)
    assert RunConfig(method="moco", batch_size=2048).batch_size == 2048


def test_its_negatives_are_the_queue():
    from playground.methods import CATALOG

    negatives = CATALOG["moco"].negatives
    assert negatives(RunConfig(method="moco", **{"method.queue_size": 1024})) == 1024
    assert negatives(RunConfig(method="moco", **{"method.negatives": False})) is None
