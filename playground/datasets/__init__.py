"""Datasets: every class with a name in this folder is a dataset on the page, and so is each set of own images."""

import sys
from collections.abc import Iterator, Mapping

from playground.datasets import own
from playground.datasets.base import DataError, Dataset, Images, Progress
from playground.datasets.loading import load_images
from playground.knobs import catalog


class Catalog(Mapping[str, type[Dataset]]):
    """Datasets by name: `known`, which never change, and the current sets of own images."""

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
