"""The statistics that batch norm starts from, so that an untrained network can be judged as it is."""

from __future__ import annotations

import copy

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from playground.methods.base import Batch, Method


@torch.no_grad()
def calibrate_batchnorm(method: Method, batch: Batch, generator: torch.Generator) -> None:
    """Gives every batch norm of a fresh method, in backbone, heads and teachers, the mean and variance of what reaches it from a batch.

    Torch starts them at 0 and 1, which are nobody's: in evaluation mode that is another network than the one that trains. The views
    go through the layers that are judged; the loss reaches the others, and the pictures what is left. No weight changes.
    """
    norms = _norms(method)
    trial = copy.deepcopy(method).train() if norms else method  # a loss may also fill a queue, or move a center
    images = torch.cat(batch.views)
    found = _norms(trial)
    for each in found:
        each.reset_running_stats()
    for reach in (
        lambda: trial.project(trial.embed(images)),
        lambda: trial.loss(batch, generator),
        lambda: trial.pictures(images, generator),
    ):
        for each in found:
            each.momentum = 0.0 if each.num_batches_tracked else None  # 0: it keeps what it has; None: the mean of all that comes now
        if any(each.momentum is None for each in found):
            reach()
    for kept, new in zip(norms, found, strict=True):
        kept.load_state_dict(new.state_dict())


def _norms(module: nn.Module) -> list[_BatchNorm]:
    return [each for each in module.modules() if isinstance(each, _BatchNorm) and each.track_running_stats]
