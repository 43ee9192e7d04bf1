"""MoCo: contrastive learning with a queue of negatives, so that their number does not depend on the batch size."""

from __future__ import annotations

import copy
import math
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from playground.knobs import Choice, ConfigError, knob, option, safeguard
from playground.methods.base import Batch, Config, Measure, Method, Reference, in_full_precision
from playground.methods.shared.contrastive import PICK_MEASURES, max_cross_entropy, pick
from playground.networks import Backbone
from playground.networks.heads import projector


class MoCo(Method):
    """A query should match its key, the other view encoded by a slowly moving copy of the network, better than all older keys in a queue.

    He et al., 2020, equations 1 and 2, with the MLP head of MoCo v2 (Chen et al., 2020), averaged over both directions.
    """

    name, title, family = "moco", "MoCo", "contrastive"
    summary = "Compares each view with a long queue of keys that a slowly moving copy of the network made in earlier steps."
    paper = "He et al., 2020: Momentum Contrast for Unsupervised Visual Representation Learning"
    link = "https://arxiv.org/abs/1911.05722"
    equation = r"-\log \frac{\exp(q \cdot k_+ / \tau)}{\exp(q \cdot k_+ / \tau) + \sum_{i=1}^{K} \exp(q \cdot k_i / \tau)}"
    loss_unit = "nats"
    measures = PICK_MEASURES | {
        "queue_age": Measure(
            "Age of the queue (steps)",
            "low: the keys come from a network close to the current one",
            0,
            formula="mean over the keys in the queue of the number of steps since they were made",
            unit="steps",
        )
    }

    suggests = {"optimizer.learning_rate": 1.5e-3}

    remedies = {"complete collapse": {"method.temperature": "a lower", "method.queue_size": "a larger"}}

    class Knobs(Choice.Knobs):
        """A short run needs a lower momentum than the paper's 0.999."""

        temperature: float = knob(0.2, 0.01, 2, "Low: only the most similar keys repel. High: all keys repel equally.", live=True, log=True)
        momentum: float = knob(
            0.95,
            0,
            1,
            "How much of the key encoder is kept at each step. At 0 it is a copy of the query encoder, and learning is slow.",
            live=True,
        )
        queue_size: Literal[256, 512, 1024, 2048, 4096, 8192, 16384, 65536] = option(
            4096, "Number of keys in the queue, the negatives. Longer: more negatives, but older ones."
        )
        projection_size: int = knob(128, 2, 2048, "Dimensions in which views are compared.")
        hidden_size: int = knob(256, 8, 4096, "Width of the projector's hidden layer.")
        negatives: bool = safeguard(
            "Push the keys of the queue away. Without it, views only attract each other.", without="complete collapse"
        )

    def __init__(self, backbone: Backbone, config: Config) -> None:
        super().__init__(backbone, config)
        self.projector = projector(backbone.width, self.knobs.hidden_size, self.knobs.projection_size)
        self.key_encoder = copy.deepcopy(nn.Sequential(backbone, self.projector)).requires_grad_(False)
        self.queue: Tensor
        self.added: Tensor
        self.updates: Tensor
        start = F.normalize(torch.randn(self.knobs.queue_size, self.knobs.projection_size), dim=1)  # random keys, as in the paper
        self.register_buffer("queue", start)  # (K, P), the newest first
        self.register_buffer("added", torch.zeros(len(start)))  # (K,) the update at which each key was made
        self.register_buffer("updates", torch.zeros(()))

    def loss(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """Two views, each once the query and once the key -> InfoNCE over 1 + K keys, and the age of the queue."""
        images = torch.cat(batch.views)
        queries = self.projector(self.backbone(images))
        with torch.no_grad():
            keys = F.normalize(self.key_encoder(images).float(), dim=1)
        others = torch.cat(keys.chunk(2)[::-1])
        if not self.knobs.negatives:
            return {"loss": -F.cosine_similarity(queries.float(), others).mean() / self.knobs.temperature}
        age = (self.updates - self.added).mean()
        logits, positive = similarities(queries, others, self.queue, self.knobs.temperature)
        self._enqueue(keys)
        return pick(logits, positive) | {"queue_age": age}

    def _enqueue(self, keys: Tensor) -> None:
        """Adds new keys in front and removes the oldest. The old tensor is not changed, because the gradient still needs it. keys: (R,
        P)."""
        kept = len(self.queue) - len(keys)
        self.queue = torch.cat([keys, self.queue[:kept]])
        self.added = torch.cat([self.updates.expand(len(keys)), self.added[:kept]])

    def after_step(self, progress: float) -> None:
        """The key encoder follows, equation 2: theta_k <- m theta_k + (1 - m) theta_q."""
        queries = nn.Sequential(self.backbone, self.projector)
        with torch.no_grad():
            torch._foreach_lerp_(list(self.key_encoder.parameters()), list(queries.parameters()), 1 - self.knobs.momentum)
            self.updates += 1

    def project(self, embedding: Tensor) -> Tensor:
        """(B, D) -> (B, projection_size), by the query encoder."""
        return self.projector(embedding)

    @classmethod
    def check(cls, config: Config) -> None:
        """The queue must hold the keys of whole steps."""
        size, added = config.method.queue_size, 2 * config.batch_size * config.accumulation
        if size % added:
            rule = f"queue_size must be a multiple of the {added} keys that one step adds"
            raise ConfigError(
                "method.queue_size", f"{cls.name}: {rule} (2 views x batch_size x accumulation), got {size}; change batch_size"
            )

    @classmethod
    def loss_bounds(cls, config: Config) -> tuple[float, float]:
        """A cross-entropy of cosines, or minus a cosine; over the temperature."""
        sharp = 1 / float(config.method.temperature)
        return (0.0, max_cross_entropy(1 + config.method.queue_size, sharp)) if config.method.negatives else (-sharp, sharp)

    @classmethod
    def negatives(cls, config: Config) -> int | None:
        """The whole queue, for any batch size."""
        return int(config.method.queue_size) if config.method.negatives else None

    @classmethod
    def references(cls, config: Config) -> list[Reference]:
        """The loss of a guess. Outputs that are the same for all images can get below it, because they move away from the old keys."""
        if not config.method.negatives:
            return [
                Reference("loss", -1 / config.method.temperature, "all outputs equal: a collapsed network has the lowest loss", best=True)
            ]
        keys = 1 + config.method.queue_size
        return [Reference("loss", math.log(keys), f"all keys equally likely: ln(1 + K) = ln {keys}")]


@in_full_precision
def similarities(queries: Tensor, keys: Tensor, queue: Tensor, temperature: float) -> tuple[Tensor, Tensor]:
    """queries: (R, P) of any length; keys (R, P) and queue (K, P): unit -> logits (R, 1 + K), and the positive's column, always 0."""
    queries = F.normalize(queries, dim=1)
    own = (queries * keys).sum(1, keepdim=True)
    logits = torch.cat([own, queries @ queue.T], 1) / temperature
    return logits, torch.zeros(len(logits), dtype=torch.long, device=logits.device)
