"""Shared by contrastive losses that choose one positive among many candidates: the loss, its accuracy, and a bound of information."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from playground.methods.base import Measure, in_full_precision

PICK_MEASURES = {
    "contrastive_top1": Measure(
        "Contrastive top-1",
        "high: of all candidates, the positive is the most similar one",
        0,
        1,
        formula="share of the views whose positive has the largest similarity of all candidates",
        unit="share, from 0 to 1",
        source="Wu et al., 2018; van den Oord et al., 2018, section 2.3",
    )
}
INFORMATION_MEASURES = {
    "information_bound": Measure(
        "Bound of mutual information (nats)",
        "high: one view identifies the image of the other among N; 0 is a guess, ln N the largest value that a batch of N can show",
        0,
        formula="ln N - L, with L the cross-entropy of each view's partner among one view of each of the N images",
        unit="nats, at most ln N",
        source="van den Oord et al., 2018, section 2.3",
    ),
}


def pick(logits: Tensor, positive: Tensor) -> dict[str, Tensor]:
    """InfoNCE: a softmax over the candidates of each row.

    logits: (R, C), minus infinity for columns that are no candidates; positive: (R,) column of the positive -> loss and top-1 accuracy.
    """
    loss = F.cross_entropy(logits.float(), positive)
    return {"loss": loss, "contrastive_top1": (logits.argmax(1) == positive).float().mean()}


def max_cross_entropy(candidates: int, sharpness: float) -> float:
    """The largest cross-entropy over C candidates whose logits are cosines times `sharpness` s, in nats: ln(1 + (C - 1) e^(2s)).

    It is reached if the positive has the cosine -1 and all others have 1.
    """
    return 2 * sharpness + math.log(candidates - 1 + math.exp(-2 * sharpness))


@in_full_precision
@torch.no_grad()
def information_bound(logits: Tensor) -> Tensor:
    """A lower bound, estimated on one batch, of the mutual information of two views, in nats: ln N - L, from 0 to ln N (van den Oord
    et al., 2018, section 2.3). L is the cross-entropy of choosing each view's own image among the other views of all N.

    It is valid only if negatives come from the same distribution as the positive and are independent of it: one view of each other image.
    It is not valid for a queue, whose keys come from older networks (constant outputs would seem to share information), nor for both views
    of each other image, which are more than N. A loss above that of guessing gives 0.
    logits: (N, N), first views against second views, the same image on the diagonal -> scalar.
    """
    own = torch.arange(len(logits), device=logits.device)
    loss = (F.cross_entropy(logits, own) + F.cross_entropy(logits.T, own)) / 2
    return (math.log(len(logits)) - loss).clamp(min=0)
