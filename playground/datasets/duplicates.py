"""Duplicates in a dataset: exact ones, and near ones, such as copies that were saved again, resized or brightened.

    found = duplicates(pixels)
    found.groups                 # [[0, 17], [4, 5, 90]]: rows that show the same image; an image that is there once is in none

Two images are the same exactly when their decoded pixels are. They are nearly the same when their tiny images are: 16 x 16 means,
less the mean brightness and divided by the contrast (Torralba, Fergus and Freeman, 80 million tiny images, 2008, section 3), at most
NEAR apart, where images that have nothing in common are sqrt(2) apart. With contrast above FLAT that is a correlation of at least
1 - NEAR^2 / 2 = 0.995. Copies that were cropped, turned or mirrored are not found.

How it was chosen: of 500 images of CIFAR-10 saved again as JPEG of quality 30 to 95 at four times the size, 499 are found; of
20,000 images of Fashion-MNIST, among which many look alike, 123 are in a group.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

TINY = 16  # the side of a tiny image
COARSE = 8  # the side of the gray one by which candidates are found
NEAR = 0.1  # distance of tiny images up to which they show the same
FLAT = 8.0  # levels of contrast (standard deviation, of 255) that a tiny image is divided by, at least: noise stays small
BRIGHT = 100.0  # levels of mean brightness that count as a distance of 1
BLANK = 1.0  # levels of contrast below which an image is of one color throughout
CHUNK = 1024  # images at once
BLOCK, MANY = 64, 64  # images compared with others at once; with more candidates than this one of them is looked at first
REACH = NEAR * 1.001  # of candidates: room for rounding


@dataclass(frozen=True)
class Duplicates:
    """Which rows of a set show the same image.

    groups: of two rows or more, in order; exact: how many rows equal an earlier one in every pixel; blank: how many are of one color
    throughout.
    """

    groups: list[list[int]] = field(default_factory=list)
    exact: int = 0
    blank: int = 0

    def renumbered(self, rows: Sequence[int]) -> Duplicates:
        """The same of a set in which row i is row rows[i]."""
        return replace(self, groups=sorted(sorted(rows[row] for row in group) for group in self.groups))

    def distinct(self, count: int) -> int:
        """The number of different images among `count` rows."""
        return count - sum(len(group) - 1 for group in self.groups)

    def notices(self, count: int) -> list[str]:
        """Warnings if nothing can be learned from the images."""
        same = ["All images are the same, exactly or nearly: there is nothing to distinguish."] if self.distinct(count) == 1 else []
        return same + (["Every image has only one color: there is nothing to see in it."] if self.blank == count else [])

    def remarks(self, count: int, labels: Sequence[int]) -> list[str]:
        """The number of duplicates, and how they are handled. labels: of each row, or none."""
        if not self.groups:
            return []
        copies, largest = count - self.distinct(count), max(map(len, self.groups))
        near = f"{self.exact:,} exactly, {copies - self.exact:,} nearly"
        several = sum(len({labels[row] for row in group}) > 1 for group in self.groups) if labels else 0
        kept = "Copies of one image are in the same part of the split if possible, mostly in the training part."
        found = [f"{copies:,} of {count:,} images repeat another one ({near}; at most {largest:,} show the same). {kept}"]
        return found + ([f"{several:,} {'image is' if several == 1 else 'images are'} in more than one class."] if several else [])


def duplicates(pixels: Tensor) -> Duplicates:
    """pixels: (N, 3, H, W) uint8 -> which rows show the same image. Takes about 1 kB of memory for each row."""
    first, looks, blank = _looked_at(pixels)
    unlike = np.flatnonzero(first == np.arange(len(first)))
    groups = _joined(len(first), [np.stack([np.arange(len(first)), first], 1), *_near(looks, unlike)])
    return Duplicates(groups, len(first) - len(unlike), blank)


def units(count: int, groups: Sequence[Sequence[int]]) -> list[int]:
    """For each of `count` rows the first row with the same image: rows with equal numbers must be in the same part of a split."""
    first = list(range(count))
    for group in groups:
        for row in group:
            first[row] = group[0]
    return first


@dataclass(frozen=True)
class _Looks:
    """Small versions of N images. tiny: (N, 3, 16, 16) uint8; coarse: (N, 65), with which candidates are found."""

    tiny: np.ndarray
    coarse: np.ndarray

    def same(self, one: np.ndarray, other: np.ndarray) -> np.ndarray:
        """For pairs of rows (K,), (K,): whether they are nearly the same."""
        found = [
            (_scaled(self.tiny[one[at : at + CHUNK]]) - _scaled(self.tiny[other[at : at + CHUNK]])).square().sum(1) <= NEAR**2
            for at in range(0, len(one), CHUNK)
        ]
        return torch.cat(found).numpy() if found else np.zeros(0, bool)


def _looked_at(pixels: Tensor) -> tuple[np.ndarray, _Looks, int]:
    """For each row the first one with equal pixels; how they look; and how many are blank."""
    seen: dict[bytes, int] = {}
    first: list[int] = []
    tiny, coarse, blank = [], [], 0
    for chunk in pixels.split(CHUNK):
        for row in chunk.numpy():
            first.append(seen.setdefault(hashlib.blake2b(row.tobytes(), digest_size=16).digest(), len(first)))
        small = adaptive_avg_pool2d(chunk.float(), TINY)
        blank += int((small.flatten(2).std(2, correction=0).amax(1) < BLANK).sum())
        tiny.append(small.round().to(torch.uint8).numpy())
        coarse.append(_coarse(_scaled(tiny[-1])))
    return np.array(first), _Looks(np.concatenate(tiny), np.concatenate(coarse)), blank


def _scaled(tiny: np.ndarray) -> Tensor:
    """(B, 3, 16, 16) uint8 -> (B, 769): their shapes at equal contrast, and their brightness. Distances of these count."""
    small = torch.from_numpy(tiny).float()
    mean = small.mean((1, 2, 3), keepdim=True)
    contrast = (small - mean).square().mean((1, 2, 3), keepdim=True).sqrt().clamp(min=FLAT)
    shape = ((small - mean) / contrast / (3 * TINY**2) ** 0.5).flatten(1)
    return torch.cat([shape, mean.flatten(1) / BRIGHT], 1)


def _coarse(scaled: Tensor) -> np.ndarray:
    """An orthogonal projection to 65 numbers (8 x 8 means of gray, and brightness): it brings no two images farther apart."""
    gray = adaptive_avg_pool2d(scaled[:, :-1].unflatten(1, (3, TINY, TINY)).mean(1, keepdim=True), COARSE)
    return torch.cat([gray.flatten(1) * 3**0.5 * TINY / COARSE, scaled[:, -1:]], 1).numpy()


def _near(looks: _Looks, rows: np.ndarray) -> Iterator[np.ndarray]:
    """Pairs (K, 2) of `rows` that are nearly the same; in a large group, its first member represents the others from then on."""
    points, order, blocks = _laid_out(looks.coarse[rows])
    rows, alone = rows[order], np.ones(len(rows), bool)  # alone: no other stands for it
    lengths = np.square(points).sum(1)
    for begin, end, ranges in blocks:
        block = begin + np.flatnonzero(alone[begin:end])
        others = np.concatenate([first + np.flatnonzero(alone[first:last]) for first, last in ranges])
        close = lengths[block][:, None] + lengths[others] - 2 * points[block] @ points[others].T <= REACH**2
        close[:, : len(block)] &= np.tri(len(block), k=-1, dtype=bool).T  # the others begin with the block itself: each pair once
        while close.any() and (counts := close.sum(1)).max() > MANY:
            place = int(counts.argmax())
            same = others[close[place]]
            same = same[looks.same(np.full(len(same), rows[block[place]]), rows[same])]
            yield np.stack([np.full(len(same), rows[block[place]]), rows[same]], 1)
            alone[same] = False
            close[place] = False
            close &= alone[block][:, None] & alone[others]
        one, other = np.nonzero(close)
        one, other = rows[block[one]], rows[others[other]]
        same = looks.same(one, other)
        yield np.stack([one[same], other[same]], 1)


Blocks = list[tuple[int, int, list[tuple[int, int]]]]  # begin and end of each, and the ranges in which what is near it lies


def _laid_out(points: np.ndarray) -> tuple[np.ndarray, np.ndarray, Blocks]:
    """Points sorted into strips along the direction of largest variance, and within a strip along the second; their order; and blocks.

    What is near a block, and does not come before it, lies in its own strip from its first point on, or in the next strip.
    """
    points = points - points.mean(0)
    across, along = (points @ np.linalg.eigh(points.T @ points)[1][:, -2:]).T[::-1]
    strip = np.floor((across - across.min()) / REACH).astype(int)
    order = np.lexsort((along, strip))
    points, along, strip = points[order], along[order], strip[order]
    edges = np.searchsorted(strip, np.arange(strip[-1] + 3))
    blocks: Blocks = []
    for begin, end, last in zip(edges[:-2], edges[1:-1], edges[2:], strict=True):
        for first in range(begin, end, BLOCK):
            stop = min(first + BLOCK, end)
            low, high = along[first] - REACH, along[stop - 1] + REACH
            after = first + int(np.searchsorted(along[first:end], high, "right"))
            adjacent = end + np.searchsorted(along[end:last], [low, high])
            blocks.append((first, stop, [(first, after), (int(adjacent[0]), int(adjacent[1]))]))
    return points, order, blocks


def _joined(count: int, pairs: Sequence[np.ndarray]) -> list[list[int]]:
    """The groups of rows that are connected by pairs."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    both = np.concatenate(pairs)
    links = coo_matrix((np.ones(len(both), bool), (both[:, 0], both[:, 1])), (count, count))
    label = connected_components(links, directed=False)[1]
    order = np.argsort(label, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(label[order])) + 1)
    return sorted(part.tolist() for part in parts if len(part) > 1)
