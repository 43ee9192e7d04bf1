"""The similarity of two representations of the same images, and of two dimensions of one representation."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from playground.definitions import defined
from playground.diagnostics.base import diagnostic
from playground.diagnostics.geometry import centered


@defined("moved", "Change since the start", "high: the features differ from those of step 0")
@defined("cka", "CKA", "1: the same up to rotation and scale; 0: unrelated")
def linear_cka(first: Tensor, second: Tensor) -> Tensor:
    """The similarity of two representations of the same images, up to rotation and scale: 1 is the same, 0 unrelated.

    Formula: CKA = ||Y'X||^2 / (||X'X|| ||Y'Y||) of centered features X and Y, Frobenius norms; the change since the start is 1 - CKA.
    Unit: none, from 0 to 1.
    Source: Kornblith et al., 2019, equation 5.

    0 if one is constant.
    first: (N, D), second: (N, E), each row the same image -> scalar in [0, 1].
    """
    x, y = scaled(first), scaled(second)
    alike, lengths = (x.T @ y).square().sum(), (x.T @ x).norm() * (y.T @ y).norm()
    return torch.where(lengths > 0, alike / lengths.clamp(min=torch.finfo(lengths.dtype).tiny), 0).clamp(0, 1)


def cka_matrix(first: Sequence[Tensor], second: Sequence[Tensor] | None = None) -> Tensor:
    """`linear_cka` of each of `first` with each of `second`, or with each other: lists of S and T tensors (N, D) -> (S, T).

    Computed from Gram matrices, HSIC as their inner product (equation 3): S of them instead of S x T products of features.
    """
    rows = _similarities(first)
    return (rows @ (rows if second is None else _similarities(second)).T).clamp(0, 1)


def _similarities(layers: Sequence[Tensor]) -> Tensor:
    """S tensors (N, D) -> (S, N * N) float32: the Gram matrix of the centered rows of each, normalized to length 1, or 0 if constant."""
    return torch.stack([torch.nn.functional.normalize(_gram(each), dim=0) for each in layers])


def _gram(features: Tensor) -> Tensor:
    x = scaled(features)
    return (x @ x.T).flatten()


def scaled(features: Tensor) -> Tensor:
    """(N, D) -> centered, with 1 as the largest absolute value, so that squares stay in the range of float32."""
    x = centered(features)
    return (x / x.abs().max().clamp(min=torch.finfo(x.dtype).tiny)).float()


@defined("correlation", "Correlation of dimensions", "pale: dimensions are independent; blocks: they carry the same information")
def correlation(features: Tensor) -> Tensor:
    """The correlation of two dimensions of the features over the images: 1 together, -1 opposite, 0 unrelated.

    Formula: Pearson's r of every two dimensions, over all images.
    Unit: none, from -1 to 1.
    Source: Zbontar et al., 2021, equation 2, on one view.

    (N, D) -> (D, D) in [-1, 1]. The row and the column of a constant dimension are 0, also on the diagonal.
    """
    x = features.double()
    constant = x.std(0, correction=0) <= 1e-6 * x.abs().amax(0)
    z = torch.nn.functional.normalize((x - x.mean(0)).masked_fill(constant, 0), dim=0)
    return (z.T @ z).clamp(-1, 1)


@diagnostic("Redundancy", "low: dimensions carry different information; 1: all carry the same", 0, 1, live=False)
def redundancy(features: Tensor) -> Tensor:
    """The mean absolute correlation of two different dimensions that vary; 0 if there are fewer than two.

    Formula: mean of |r| over all pairs of different dimensions, with r their correlation over the images.
    Unit: none, from 0 to 1.
    Source: Zbontar et al., 2021, equation 1: related to its second term, on one view.

    features: (N, D) -> scalar in [0, 1].
    """
    matrix = correlation(features)
    varying = matrix.diagonal().sum()
    return (matrix.abs().sum() - varying) / (varying * (varying - 1)).clamp(min=1)


def in_blocks(matrix: Tensor) -> Tensor:
    """The order of rows that puts correlated ones next to each other: (D, D) correlations -> (D,) a permutation.

    Average linkage on 1 - |correlation|. Fewer than three rows keep their order.
    """
    if len(matrix) < 3:
        return torch.arange(len(matrix))
    from scipy.cluster.hierarchy import leaves_list, linkage  # imported late: training does not need scipy
    from scipy.spatial.distance import squareform

    apart = (1 - matrix.abs()).clamp(min=0).fill_diagonal_(0).double().cpu().numpy()
    return torch.from_numpy(leaves_list(linkage(squareform(apart, checks=False), "average"))).long()
