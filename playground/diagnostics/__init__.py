"""Diagnostics: measures of a representation, and the collapse judge. Tensors in, numbers out.

A function marked `@diagnostic` in a file of this folder is measured on every layer of every run, stored, and shown as a curve;
with `live=False` it is measured only when a page needs it.
"""

import importlib
import pkgutil

from playground.diagnostics.base import CATALOG, ON_DEMAND, Diagnostic, diagnostic

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")

__all__ = ["CATALOG", "ON_DEMAND", "Diagnostic", "diagnostic"]
