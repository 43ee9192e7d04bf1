"""Methods: a class in a file of this folder is a method on the page. `base.py` is the contract."""

import sys

from playground.knobs import catalog
from playground.methods.base import Batch, Measure, Method, Reference

FAMILIES = (
    "contrastive", "clustering", "distillation", "regularization", "masked", "hybrid", "predictive", "generative", "multi-task", "baseline",
)  # fmt: skip
CATALOG = dict(sorted(catalog(Method, sys.modules[__name__]).items(), key=lambda item: FAMILIES.index(item[1].family)))


def introducing(page: str) -> str:
    """The name of the method that a page shows until the user has chosen one."""
    return next(name for name, each in CATALOG.items() if each.introduces == page)


__all__ = ["CATALOG", "FAMILIES", "Batch", "Measure", "Method", "Reference", "introducing"]
