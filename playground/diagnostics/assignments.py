"""How images are spread over bins: prototypes, clusters, the outputs of a teacher."""

from __future__ import annotations

from torch import Tensor


def bin_use(shares: Tensor, name: str) -> dict[str, Tensor]:
    """Both sides of a collapse into bins, for `name` = who assigns.

    shares: (N, K), each row a distribution over K bins ->
    `<name>/perplexity`: how many bins are in use, exp of the entropy of the mean row: 1 if all images share one, K if all are used alike;
    `<name>/entropy`: how undecided each image is, in nats: 0 is one-hot, ln K is uniform.
    """
    return {f"{name}/perplexity": entropy(shares.mean(0)).exp(), f"{name}/entropy": entropy(shares).mean()}


def entropy(shares: Tensor) -> Tensor:
    """(..., K) distributions -> (...) entropies in nats."""
    return -(shares * shares.clamp(min=1e-12).log()).sum(-1)
