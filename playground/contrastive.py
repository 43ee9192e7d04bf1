"""What every contrastive loss that picks one positive out of many candidates shares: the pick, how often it succeeds, what it proves."""

from __future__ import annotations

import math

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
    ),
    "information_bound": Measure(
        "Bound of mutual information (nats)",
        "high: one view tells much of the other; a bound only where negatives are drawn independently",
        0,
        formula="ln C - L, with L the loss in nats and C the number of candidates, the positive among them",
        unit="nats, at most ln C",
        source="van den Oord et al., 2018, section 2.3",
    ),
}


def pick(logits: Tensor, positive: Tensor, candidates: int) -> dict[str, Tensor]:
    """InfoNCE: every row picks its positive, of so many candidates, by softmax.

    logits: (R, C), minus infinity where a column is no candidate; positive: (R,) its column -> the loss and the two numbers above.
    """
    loss = F.cross_entropy(logits.float(), positive)
    top1 = (logits.argmax(1) == positive).float().mean()
    return {"loss": loss, "contrastive_top1": top1, "information_bound": information_bound(loss.detach(), candidates)}


@in_full_precision
def information_bound(loss: Tensor, candidates: int) -> Tensor:
    """ln C - loss, a lower bound of the views' mutual information in nats, for C candidates with the positive among them.

    It can never exceed ln C, however much the views share (van den Oord et al., 2018, section 2.3). Scalar -> scalar.
    """
    return (math.log(candidates) - loss).clamp(max=math.log(candidates))
