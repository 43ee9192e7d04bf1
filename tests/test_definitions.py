"""Every number has one definition, and every label that names one leads to it."""

import re

import pytest

from playground.config import RunConfig
from playground.definitions import Definition, of, read
from playground.glossary import collected
from playground.home import site
from playground.methods import CATALOG as METHODS

ASSETS = site() / "assets"
PATTERNS = {"constructor": r'new Chart\("([^"]+)"(\)|, undefined)', "label": r'explain\((?:make\([^)]*\)|[\w.]+), "([^"]+)"()\)'}


def test_a_docstring_says_label_formula_unit_and_source():
    text = """How far.

    Formula: |u - v|,
      in two lines.
    Unit: meters.
    Source: Euclid, book 1.

    Source: not this one, u: (N, D) -> scalar
    """
    assert read("Distance", "low", text.replace("Source: not this", "Of shapes: not this")) == Definition(
        "Distance", "low", "How far.", "|u - v|, in two lines.", "meters.", "Euclid, book 1."
    )
    assert read("Distance", "low", "How far. features: (N, D)").missing == ["formula", "unit", "source"]


def test_no_definition_leaves_anything_out():
    assert {name: each.missing for name, each in collected().items() if each.missing} == {}


def test_what_readers_are_told_names_no_variable_of_the_code():
    """In backticks stand commands alone, which somebody can type."""
    texts = [str(text) for each in collected().values() for text in vars(each).values()]
    assert [code for text in texts for code in re.findall("`([^`]*)`", text) if not code.startswith("ssl-playground ")] == []


@pytest.mark.parametrize("name", ["knn/shape", "projector/alignment", "teacher/perplexity", "use/codebook", "explained/average color"])
def test_names_of_factors_bins_and_layers_lead_to_one_definition(name):
    collected()
    assert of(name) is not None and of("unheard/of") is None


@pytest.mark.parametrize("method", METHODS)
def test_the_loss_of_every_method_is_defined_and_its_hint_knows_what_the_dashed_line_is(method):
    config = RunConfig(method=method)
    found = METHODS[method].loss_definition(config)
    assert found.missing == []
    lines = [each for each in METHODS[method].references(config) if each.metric == "loss"]
    assert ("dashed line" in found.good) == bool(lines)
    assert ("alone proves nothing" in found.good) == any(each.best for each in lines)


def test_a_loss_whose_best_value_is_also_the_collapsed_one_is_not_said_to_fall_below_it():
    for changes in ({"method": "simsiam"}, {"method": "byol"}, {"method.negatives": False}):
        config = RunConfig(**changes)
        assert "a collapsed network also reaches this line" in config.method.choice.loss_definition(config).good
    assert "below the dashed line" in RunConfig().method.choice.loss_definition(RunConfig()).good


@pytest.mark.parametrize("kind", PATTERNS)
def test_every_label_of_the_pages_leads_to_a_definition(kind):
    known = collected()
    named = {key: script.name for script in ASSETS.rglob("*.js") for key, _ in re.findall(PATTERNS[kind], script.read_text())}
    assert len(named) > 8
    assert {key: script for key, script in named.items() if key not in known} == {}
