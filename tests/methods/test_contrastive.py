"""Picking the positive out of many: closed forms, and the bound of mutual information."""

import math

import pytest
import torch

from playground.config import RunConfig
from playground.methods import CATALOG, Batch
from playground.methods.moco import similarities
from playground.methods.shared.contrastive import information_bound, max_cross_entropy, pick
from support.trainings import tiny_config, trainer_of


def normal(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def test_picking_among_equals_costs_ln_of_their_number_and_a_sure_pick_nothing():
    values = pick(torch.zeros(4, 8), torch.arange(4))
    assert float(values["loss"]) == pytest.approx(math.log(8), abs=1e-6)
    sure = pick(100 * torch.eye(8), torch.arange(8))
    assert float(sure["loss"]) == pytest.approx(0, abs=1e-6) and float(sure["contrastive_top1"]) == 1


def test_no_pick_among_cosines_costs_more_than_the_opposite_of_the_right_one():
    for temperature, count in ((0.01, 300), (0.5, 8), (2.0, 2)):
        logits = torch.ones(1, count).double()
        logits[0, 0] = -1
        worst = torch.nn.functional.cross_entropy(logits / temperature, torch.zeros(1, dtype=torch.long))
        assert max_cross_entropy(count, 1 / temperature) == pytest.approx(float(worst), abs=1e-9)


def test_top1_counts_the_rows_whose_positive_is_the_most_similar():
    logits = torch.tensor([[3.0, 1.0, 2.0], [0.0, 1.0, 2.0], [0.0, 5.0, 2.0], [9.0, 5.0, 2.0]])
    assert float(pick(logits, torch.tensor([0, 1, 1, 2]))["contrastive_top1"]) == 0.5


def test_equal_candidates_prove_nothing_and_a_sure_pick_proves_all_that_can_be():
    assert float(information_bound(torch.zeros(8, 8))) == pytest.approx(0, abs=1e-6)
    assert float(information_bound(100 * torch.eye(8))) == pytest.approx(math.log(8), abs=1e-6)
    assert float(information_bound(-100 * torch.eye(8))) == 0


def test_the_bound_is_ln_n_minus_the_mean_loss_of_both_directions():
    logits, loss = normal(5, 5).double() + 3 * torch.eye(5), 0.0
    for table in (logits, logits.T):
        for i in range(5):
            loss -= float(table[i, i] - table[i].exp().sum().log()) / 10
    assert float(information_bound(logits)) == pytest.approx(math.log(5) - loss, abs=1e-12)


def test_the_bound_holds_where_the_information_is_known():
    """Views that share only which of 4 equally likely kinds they are share ln 4: with the best logits the bound comes near, from below."""
    kinds = torch.randint(4, (20, 256), generator=torch.Generator().manual_seed(0))
    best = torch.where(kinds[:, :, None] == kinds[:, None], math.log(4), -30.0)
    bounds = [float(information_bound(logits)) for logits in best]
    assert math.log(4) - 0.05 < sum(bounds) / 20 < math.log(4) + 0.01


@pytest.mark.parametrize("method", [name for name, each in CATALOG.items() if "information_bound" in each.measures])
def test_outputs_that_are_all_alike_share_nothing(method, monkeypatch):
    """Whatever method draws the curve."""
    trainer = trainer_of(tiny_config(method=method, batch_size=16))
    width = trainer.method.backbone.width
    monkeypatch.setattr(type(trainer.method.backbone), "forward", lambda self, images: images.new_ones(len(images), width))
    values = trainer.method.loss(trainer.batch(1), torch.Generator())
    assert float(values["information_bound"]) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("method", ["simclr", "npair"])
def test_sixteen_images_show_at_most_ln_16(method):
    """Two views that are equal tell their image surely; counting both views of the others would show ln 31."""
    trainer = trainer_of(tiny_config(method=method, batch_size=16))
    trainer.method.projector = trainer.method.backbone = torch.nn.Flatten()
    values = trainer.method.loss(Batch([normal(16, 3, 8, 8)] * 2), torch.Generator())
    assert float(values["information_bound"]) == pytest.approx(math.log(16), abs=0.2)


def test_a_queue_proves_nothing_and_so_moco_has_no_such_curve():
    """Constant outputs beside a fresh queue: the loss falls far below ln(1 + K), though nothing is shared."""
    assert "information_bound" not in CATALOG["moco"].measures
    constant, queue = torch.ones(8, 128), torch.nn.functional.normalize(normal(4096, 128), dim=1)
    keys = torch.nn.functional.normalize(constant, dim=1)
    values = pick(*similarities(constant, keys, queue, 0.2))
    assert set(values) == {"loss", "contrastive_top1"}
    assert math.log(4097) - float(values["loss"]) == pytest.approx(4.9, abs=0.1)


def test_simclr_and_n_pair_say_how_many_negatives_they_have():
    def of(method, **more):
        return CATALOG[method].negatives(RunConfig(method=method, batch_size=64, **more))

    assert of("simclr") == 126
    assert of("simclr", **{"method.negatives": False}) is None
    assert of("npair") == 63
    assert of("triplet", **{"method.mining": "random"}) == 1
