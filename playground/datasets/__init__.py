"""Data sets: a class in a file of this folder is a data set on the page."""

import sys

from playground.datasets.base import DataError, Dataset, Images, Progress
from playground.knobs import catalog

CATALOG = catalog(Dataset, sys.modules[__name__])

__all__ = ["CATALOG", "DataError", "Dataset", "Images", "Progress"]
