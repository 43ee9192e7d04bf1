"""What every contrastive loss that picks one positive out of many candidates shares: the pick, how often it succeeds, what it proves."""

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
        "high: of N images one view tells which the other is of; 0 is a guess, ln N the most that a batch of N can show",
        0,
        formula="ln N - L, with L the cross-entropy of each view's partner among one view of each of the N images",
        unit="nats, at most ln N",
        source="van den Oord et al., 2018, section 2.3",
    ),
}


def pick(logits: Tensor, positive: Tensor) -> dict[str, Tensor]:
    """InfoNCE: every row picks its positive by softmax.

    logits: (R, C), minus infinity where a column is no candidate; positive: (R,) its column -> the loss, and how often it is the largest.
    """
    loss = F.cross_entropy(logits.float(), positive)
    return {"loss": loss, "contrastive_top1": (logits.argmax(1) == positive).float().mean()}


def most_surprise(candidates: int, sharpness: float) -> float:
    """The largest cross-entropy over so many candidates whose logits are cosines times `sharpness`, in nats: ln(1 + (C - 1) e^(2s)).

    It is reached where the right one has the cosine -1 and all others have 1.
    """
    return 2 * sharpness + math.log(candidates - 1 + math.exp(-2 * sharpness))


@in_full_precision
@torch.no_grad()
def information_bound(logits: Tensor) -> Tensor:
    """A lower bound, estimated on one batch, of the mutual information of two views, in nats: ln N - L, from 0 to ln N (van den Oord
    et al., 2018, section 2.3). L is the cross-entropy of finding each view's own image among the other views of all N.

    It holds only where negatives are drawn as the positive is, and independently of it: one view of each other image. It does not for
    a queue, whose keys older networks made (outputs that are the same for all images would seem to share much), nor for both views of
    each other image, of which there are more than N. A critic worse than guessing proves nothing: 0.
    logits: (N, N), first views against second ones, those of one image in the diagonal -> scalar.
    """
    own = torch.arange(len(logits), device=logits.device)
    loss = (F.cross_entropy(logits, own) + F.cross_entropy(logits.T, own)) / 2
    return (math.log(len(logits)) - loss).clamp(min=0)
