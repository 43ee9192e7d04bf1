"""How images are spread over bins: prototypes, clusters, the outputs of a teacher."""

from __future__ import annotations

from torch import Tensor

from playground.definitions import define

define(
    "*/perplexity",
    "Bins in use (perplexity)",
    "near the number of bins: all are used alike; 1: all images fell into one",
    """How many of the bins (prototypes, clusters, codes, outputs of a teacher) are in use over the watched images.

    Formula: exp(-sum p ln p), with p the mean over images of their shares in each bin.
    Unit: bins, from 1 to K.
    Source: entropy after Shannon, 1948; Caron et al., 2021, section 5.3, look at a teacher so.
    """,
)
define(
    "*/entropy",
    "Indecision (entropy)",
    "between 0, one bin for each image, and ln K, all bins alike",
    """How undecided each image is between the bins, on average.

    Formula: mean over images of -sum q ln q, with q the image's own shares in the K bins.
    Unit: nats, from 0 to ln K.
    Source: Shannon, 1948; Caron et al., 2021, section 5.3.
    """,
)
define(
    "use/*",
    "Use of the bins",
    "even: all are in use; one tall bar: all images fell into one",
    """Which share of the watched images each bin holds, the most used first; the dashed line is all alike.

    Formula: mean over images of their share in the bin.
    Unit: share of the images, from 0 to 1.
    Source: Caron et al., 2020, section 3.1, on equal use of prototypes.
    """,
)


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
