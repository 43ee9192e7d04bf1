"""How images are distributed over bins: prototypes, clusters, codes, or the outputs of a teacher."""

from __future__ import annotations

from torch import Tensor

from playground.definitions import define

define(
    "*/perplexity",
    "Bins in use (perplexity)",
    "near the number of bins: all are used equally; 1: all images are in one bin",
    """How many of the bins (prototypes, clusters, codes, outputs of a teacher) the probe images use.

    Formula: exp(-sum p ln p), with p the mean over images of their shares in each bin.
    Unit: bins, from 1 to K.
    Source: entropy: Shannon, 1948; used for a teacher by Caron et al., 2021, section 5.3.
    """,
)
define(
    "*/entropy",
    "Entropy of one image's assignment",
    "between 0, one bin for each image, and ln K, all bins equally",
    """How evenly one image is spread over the bins, on average.

    Formula: mean over images of -sum q ln q, with q the image's own shares in the K bins.
    Unit: nats, from 0 to ln K.
    Source: Shannon, 1948; Caron et al., 2021, section 5.3.
    """,
)
define(
    "use/*",
    "Use of the bins",
    "even: all are in use; one tall bar: all images are in one bin",
    """The share of the probe images in each bin, the most used first; the dashed line shows equal use.

    Formula: mean over images of their share in the bin.
    Unit: share of the images, from 0 to 1.
    Source: Caron et al., 2020, section 3.1, on equal use of prototypes.
    """,
)


def bin_use(shares: Tensor, name: str) -> dict[str, Tensor]:
    """Two measures of the use of bins. name: what makes the assignments, such as "teacher".

    shares: (N, K), each row a distribution over K bins ->
    `<name>/perplexity`: the number of bins in use, exp of the entropy of the mean row: 1 if all images share one, K for equal use;
    `<name>/entropy`: the mean entropy of a row, in nats: 0 is one-hot, ln K is uniform.
    """
    return {f"{name}/perplexity": entropy(shares.mean(0)).exp(), f"{name}/entropy": entropy(shares).mean()}


def entropy(shares: Tensor) -> Tensor:
    """(..., K) distributions -> (...) entropies in nats."""
    return -(shares * shares.clamp(min=1e-12).log()).sum(-1)
