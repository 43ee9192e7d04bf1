"""Data sets: a class in a file of this folder is a data set on the page, and so is each set of a person's own images."""

import sys
from collections.abc import Iterator, Mapping

from playground.datasets import own
from playground.datasets.base import DataError, Dataset, Images, Progress
from playground.datasets.loading import load_images
from playground.knobs import catalog


class Catalog(Mapping[str, type[Dataset]]):
    """By name: `known`, which never change, and the sets of own images that are here at the moment of asking."""

    def __init__(self, known: dict[str, type[Dataset]]) -> None:
        self.known = known

    def __getitem__(self, name: str) -> type[Dataset]:
        return self.known[name] if name in self.known else own.found()[name]

    def __iter__(self) -> Iterator[str]:
        yield from self.known
        yield from own.found()

    def __len__(self) -> int:
        return sum(1 for _ in self)


CATALOG = Catalog(catalog(Dataset, sys.modules[__name__]))

__all__ = ["CATALOG", "Catalog", "DataError", "Dataset", "Images", "Progress", "load_images"]
