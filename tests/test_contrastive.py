"""Picking the positive out of many: closed forms, and the bound of mutual information."""

import math

import pytest
import torch

from playground.config import RunConfig
from playground.contrastive import information_bound, pick
from playground.methods import CATALOG


def test_equal_candidates_prove_nothing_and_a_sure_pick_proves_all_that_can_be():
    same, positive = torch.zeros(4, 8), torch.arange(4)
    values = pick(same, positive, 8)
    assert float(values["loss"]) == pytest.approx(math.log(8), abs=1e-6)
    assert float(values["information_bound"]) == pytest.approx(0, abs=1e-6)
    sure = pick(100 * torch.eye(8), torch.arange(8), 8)
    assert float(sure["information_bound"]) == pytest.approx(math.log(8), abs=1e-6)
    assert float(sure["contrastive_top1"]) == 1


def test_the_bound_never_exceeds_ln_of_the_candidates():
    assert float(information_bound(torch.tensor(-3.0), 16)) == pytest.approx(math.log(16))
    assert float(information_bound(torch.tensor(1.0), 16)) == pytest.approx(math.log(16) - 1)


def test_top1_counts_the_rows_whose_positive_is_the_most_similar():
    logits = torch.tensor([[3.0, 1.0, 2.0], [0.0, 1.0, 2.0], [0.0, 5.0, 2.0], [9.0, 5.0, 2.0]])
    assert float(pick(logits, torch.tensor([0, 1, 1, 2]), 3)["contrastive_top1"]) == 0.5


def test_the_bound_holds_where_the_information_is_known():
    """Views that share only which of 4 equally likely kinds they are share ln 4: with the best logits the bound comes near, from below."""
    kinds = torch.randint(4, (20, 256), generator=torch.Generator().manual_seed(0))
    best = torch.where(kinds[:, :, None] == kinds[:, None], math.log(4), -30.0)
    bounds = [float(pick(logits, torch.arange(256), 256)["information_bound"]) for logits in best]
    assert math.log(4) - 0.05 < sum(bounds) / 20 < math.log(4) + 0.01


def test_simclr_and_n_pair_say_how_many_negatives_they_have():
    def of(method, **more):
        return CATALOG[method].negatives(RunConfig(method=method, batch_size=64, **more))

    assert of("simclr") == 126
    assert of("simclr", **{"method.negatives": False}) is None
    assert of("npair") == 63
    assert of("triplet", **{"method.mining": "random"}) == 1
