"""Initial statistics for batch normalization, so that an untrained network can be evaluated."""

from __future__ import annotations

import copy

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from playground.methods.base import Batch, Method


@torch.no_grad()
def calibrate_batchnorm(method: Method, batch: Batch, generator: torch.Generator) -> None:
    """Sets the running statistics of every batch normalization of a new method, in backbone, heads and teachers, from one batch.

    Torch's initial values, 0 and 1, belong to no data: in evaluation mode the network would differ from the one that trains. First the
    views pass through the evaluated layers, then the loss reaches other layers, and the pictures the rest. No weight changes.
    """
    norms = _norms(method)
    trial = copy.deepcopy(method).train() if norms else method  # a loss may also change a queue or a center
    images = torch.cat(batch.views)
    calibrated = _norms(trial)
    for each in calibrated:
        each.reset_running_stats()
    for forward in (
        lambda: trial.project(trial.embed(images)),
        lambda: trial.loss(batch, generator),
        lambda: trial.pictures(images, generator),
    ):
        for each in calibrated:
            each.momentum = 0.0 if each.num_batches_tracked else None  # 0: statistics stay; None: the mean over all coming batches
        if any(each.momentum is None for each in calibrated):
            forward()
    for norm, new in zip(norms, calibrated, strict=True):
        norm.load_state_dict(new.state_dict())


def _norms(module: nn.Module) -> list[_BatchNorm]:
    return [each for each in module.modules() if isinstance(each, _BatchNorm) and each.track_running_stats]
