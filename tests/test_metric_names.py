"""Names of metrics: what is written is read back, and nothing else takes the text apart."""

import ast
import re
from pathlib import Path

import pytest

from playground.metric_names import LAYERS, by_factor, by_metric, in_any_layer, in_layer, metric

PACKAGE = Path(__file__).resolve().parents[1] / "playground"
ASSETS = PACKAGE.parent / "assets"
MEASURES = ("knn", "knn_balanced", "explained", "silhouette")


def test_values_of_a_measure_come_back_by_factor():
    values = by_metric("knn", {"shape": 0.5, "a/b": 0.25}) | by_metric("knn_balanced", {"shape": 1.0}) | {"loss": 2.0}
    assert values["knn/shape"] == 0.5 == values[metric("knn", "shape")]
    assert by_factor("knn", values) == {"shape": 0.5, "a/b": 0.25}
    assert by_factor("knn_balanced", values) == {"shape": 1.0} and by_factor("linear", values) == {}


def test_the_backbone_s_measures_stand_alone():
    assert [in_layer(layer, "uniformity") for layer in LAYERS] == ["uniformity", "projector/uniformity"]
    assert {in_any_layer(in_layer(layer, "uniformity")) for layer in LAYERS} == {"uniformity"}


@pytest.mark.slow
def test_nothing_else_makes_these_names():
    """No string in the package begins with a measure's name and a slash, but for the patterns of definitions and docstrings."""
    found = []
    for file in PACKAGE.rglob("*.py"):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        found += [
            f"{file.relative_to(PACKAGE)}:{each.lineno} {each.value}"
            for each in ast.walk(tree)
            if isinstance(each, ast.Constant)
            and isinstance(each.value, str)
            and each.value.startswith(tuple(f"{measure}/" for measure in MEASURES))
            and not each.value.endswith("/*")
        ]
    assert found == []


def test_no_script_makes_these_names():
    """But assets/metrics.js; patterns of definitions are no names."""
    start = re.compile(rf"""["`'/]({"|".join((*MEASURES, *LAYERS))})/(?!\*")""")
    scripts = [file for folder in (".", "panels", "embeddings", "points") for file in (ASSETS / folder).glob("*.js")]
    lines = [(file.name, line) for file in scripts if file.name != "metrics.js" for line in file.read_text().splitlines()]
    assert (
        len(scripts) > 60
        and [each for each in lines if start.search(each[1]) and not each[1].lstrip().startswith(("//", "*", "/**"))] == []
    )
