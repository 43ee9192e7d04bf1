"""Methods: a class in a file of this folder is a method on the page. `base.py` is the contract."""

import sys

from playground.knobs import catalog
from playground.methods.base import Batch, Measure, Method, Reference

CATALOG = catalog(Method, sys.modules[__name__])

__all__ = ["CATALOG", "Batch", "Measure", "Method", "Reference"]
