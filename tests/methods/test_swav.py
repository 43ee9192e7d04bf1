"""SwAV: Sinkhorn and the swapped loss against loops and lightly; the queue, the frozen prototypes, and what is refused."""

import math
import warnings

import pytest
import torch
import torch.nn.functional as F

from playground.knobs import ConfigError
from playground.methods.swav import sinkhorn, swapped_prediction
from support.trainings import tiny_config, trainer_of

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    lightly = pytest.importorskip("lightly.loss.swav_loss", reason="lightly is not installed: pip install -e '.[test]'")


def cosines(*shape):
    generator = torch.Generator().manual_seed(0)
    z = F.normalize(torch.randn(*shape[:-1], 16, generator=generator), dim=-1)
    return z @ F.normalize(torch.randn(shape[-1], 16, generator=generator), dim=1).T


def trainer(**more):
    return trainer_of(tiny_config(method="swav", batch_size=32, steps=20, **more))


def sinkhorn_in_loops(scores, epsilon, rounds):
    """Caron et al., 2020, listing in appendix A, in float64, one element at a time."""
    count, size = scores.shape
    q = [[math.exp(float(scores[n, k]) / epsilon) for k in range(size)] for n in range(count)]
    for _ in range(rounds):
        columns = [sum(q[n][k] for n in range(count)) for k in range(size)]
        q = [[q[n][k] / columns[k] / size for k in range(size)] for n in range(count)]
        q = [[value / sum(row) / count for value in row] for row in q]
    return torch.tensor([[value * count for value in row] for row in q], dtype=torch.double)


@pytest.mark.parametrize("epsilon", [0.03, 0.05, 0.5])
def test_sinkhorn_is_the_published_one(epsilon):
    scores = cosines(24, 6)
    assert torch.allclose(sinkhorn(scores, epsilon).double(), sinkhorn_in_loops(scores, epsilon, 3), atol=1e-5)
    assert torch.allclose(sinkhorn(scores, epsilon), lightly.sinkhorn(scores, 3, epsilon), atol=1e-5)


def test_sinkhorn_gives_every_prototype_the_same_share_even_where_one_is_nearest_to_all():
    scores = cosines(64, 8)
    scores[:, 3] += 2
    shares = sinkhorn(scores, 0.05, 100)
    assert torch.allclose(shares.sum(1), torch.ones(64), atol=1e-5)
    assert torch.allclose(shares.mean(0), torch.full((8,), 1 / 8), atol=1e-3)
    assert (scores.argmax(1) == 3).all()


def test_sinkhorn_stays_finite_where_exp_would_overflow():
    assert torch.isfinite(sinkhorn(100 * cosines(16, 4).bfloat16(), 0.01)).all()


def test_equal_outputs_are_assigned_to_all_prototypes_alike():
    shares = sinkhorn(cosines(1, 10).expand(32, 10), 0.05)
    assert torch.allclose(shares, torch.full((32, 10), 0.1), atol=1e-6)
    assert float(swapped_prediction(shares.expand(2, -1, -1), torch.zeros(4, 32, 10))) == pytest.approx(math.log(10), abs=1e-5)


@pytest.mark.parametrize(("local", "queued"), [(0, 0), (3, 0), (2, 12)])
def test_the_loss_agrees_with_lightly(local, queued):
    scores, queue = cosines(2 + local, 24, 6), cosines(2, 12, 6)
    theirs = lightly.SwaVLoss(temperature=0.1, sinkhorn_epsilon=0.05)(list(scores[:2]), list(scores[2:]), list(queue) if queued else None)
    pool = torch.cat([scores[:2], queue], 1) if queued else scores[:2]
    targets = torch.stack([sinkhorn(each, 0.05)[:24] for each in pool])
    assert float(swapped_prediction(targets, scores / 0.1)) == pytest.approx(float(theirs), abs=1e-5)


@pytest.mark.slow
def test_the_queue_holds_the_newest_first_and_is_used_once_it_is_full_and_its_time_has_come():
    made = trainer(**{"method.queue_size": 80, "method.queue_start": 0.25})
    method, used, queues = made.method, [], []
    for _ in range(7):
        made.update()
        used.append(method.queue_used)
        queues.append(method.queue.clone())
    assert used == [False] * 5 + [True] * 2  # 5 of 20 steps; full after 3
    assert torch.equal(queues[1][:, 32:64], queues[0][:, :32])
    assert torch.equal(queues[3][:, 64:80], queues[1][:, :16])
    assert torch.allclose(queues[6].norm(dim=2), torch.ones(2, 80), atol=1e-5)


def test_the_queue_takes_its_share_of_the_prototypes():
    """Queued features that fill one prototype leave less of it for the batch."""
    method = trainer(**{"method.queue_size": 64}).method
    scores = cosines(32, len(method.prototypes))
    alone = method._assign(scores, 0)
    method.queue.copy_(method.prototypes[:1].expand(2, 64, -1))
    method.queue_used = True
    assert method._assign(scores, 0).shape == alone.shape
    assert method._assign(scores, 0)[:, 0].sum() < 0.5 * alone[:, 0].sum()


@pytest.mark.slow
def test_prototypes_stay_as_they_began_while_frozen_and_keep_length_one():
    made = trainer(**{"method.freeze": 0.15, "optimizer.warmup_fraction": 0})
    first = made.method.prototypes.detach().clone()
    moved = []
    for _ in range(5):
        made.update()
        moved.append(not torch.allclose(made.method.prototypes, first, atol=1e-6))
    assert moved == [False] * 3 + [True] * 2
    assert torch.allclose(made.method.prototypes.norm(dim=1), torch.ones(len(first)), atol=1e-5)


@pytest.mark.slow
def test_more_prototypes_than_images_are_refused_in_one_sentence():
    with pytest.raises(ConfigError, match=r"^swav: prototypes must be at most batch_size \+ queue_size = 96, got 97$"):
        trainer(**{"method.prototypes": 97, "method.queue_size": 64})
    assert trainer(**{"method.prototypes": 96, "method.queue_size": 64}).update()["loss"].isfinite()
