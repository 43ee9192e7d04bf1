"""Definitions of numbers that no diagnostic and no method defines: those of pages, of the judge's table, and of evaluations."""

from playground import diagnostics
from playground.definitions import CATALOG, Definition
from playground.glossary import checks, evaluation, pages

DEFINING = (diagnostics, pages, checks, evaluation)  # importing them puts their definitions into the catalog


def collected() -> dict[str, Definition]:
    """The definition of every number that a page shows, by its name."""
    return CATALOG
