"""How much information two views of an image share."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from playground.diagnostics.base import diagnostic
from playground.diagnostics.geometry import unit

TEMPERATURE = 0.1


@diagnostic("InfoNCE bound", "high: one view identifies the image of the other; 0 is a guess", 0, unit="nats")
def view_information(first: Tensor, second: Tensor) -> Tensor:
    """A lower bound of the mutual information of two views, in nats: at most ln P, even if the views share more.

    Formula: ln P - L, with L the mean of -ln softmax(cos / 0.1) of each image's own second view among those of all P images; at least 0.
    Unit: nats, from 0 to ln P.
    Source: van den Oord et al., 2018, section 2.3.

    A loss above that of guessing gives 0.
    first, second: (P, D), each row two views of one image -> scalar in [0, ln P].
    """
    logits = unit(first) @ unit(second).T / TEMPERATURE
    loss = F.cross_entropy(logits, torch.arange(len(logits), device=logits.device))
    return (math.log(len(logits)) - loss).clamp(min=0)
