import csv
import xml.etree.ElementTree as ElementTree
from dataclasses import replace

import pytest

from playground import judging
from playground.config import knobs_for
from playground.events import Verdict
from playground.home import site
from playground.judging import (
    OPEN,
    STATES,
    Case,
    Outcome,
    as_csv,
    as_svg,
    cases,
    confusion,
    is_right,
    measured,
    outcome,
    read,
    summary,
    write,
)
from playground.methods import CATALOG

KEPT = site() / "assets" / "judge"


@pytest.fixture(scope="module")
def outcomes():
    records = read(KEPT / judging.MEASURED)
    return [outcome(each, records[each.name]) for each in cases()]


def test_every_safeguard_of_every_method_has_a_case_whose_name_is_its_own():
    names = [each.name for each in cases()]
    assert len(set(names)) == len(names)
    safeguards = [(name, each.title) for name in CATALOG for each in knobs_for(method=name) if each.without]
    assert all(f"{name} without {title}" in names for name, title in safeguards) and len(safeguards) > 20
    assert {each.expected for each in cases()} <= {*STATES, OPEN}


def test_the_kept_numbers_are_of_these_cases_and_give_the_kept_table_and_figure(outcomes):
    records = read(KEPT / judging.MEASURED)
    assert all(records[each.name].settings == each.settings for each in cases())
    assert (KEPT / judging.TABLE).read_text() == as_csv(outcomes), "run: ssl-playground judge --to assets/judge"
    assert (KEPT / judging.FIGURE).read_text() == as_svg(outcomes), "run: ssl-playground judge --to assets/judge"


def test_no_healthy_run_is_called_collapsed_and_nearly_all_broken_ones_are_named_rightly(outcomes):
    healthy = [each for each in outcomes if each.case.expected == "healthy"]
    broken = [each for each in outcomes if each.case.expected not in ("healthy", OPEN)]
    assert len(healthy) + len(broken) >= 60
    assert [each.case.name for each in healthy if not each.right] == []
    assert sum(each.right for each in broken) >= 0.95 * len(broken)


def test_a_run_that_learned_nothing_counts_for_nothing(outcomes):
    records = read(KEPT / judging.MEASURED)
    case = cases()[0]
    assert case.expected == "healthy" and outcome(case, records[case.name]).case.expected == "healthy"
    first = records[case.name].measures[0]
    idle = replace(records[case.name], measures=[first, (300, first[1])])
    assert outcome(case, idle).case.expected == OPEN


def test_a_collapse_of_the_projector_alone_is_right_where_its_kind_is():
    said = Verdict(300, "projector collapse", "", {}, layers={"projector": "complete collapse", "backbone": "healthy"})
    assert is_right(said, "complete collapse") and not is_right(said, "dimensional collapse")


def test_what_is_counted(tmp_path):
    def seen(expected, said, knew):
        return Outcome(Case(f"{expected} {said}", {}, expected), Verdict(300, said, "x, y", {}), knew)

    found = [
        seen("healthy", "healthy", 30),
        seen("shortcut", "healthy", None),
        seen("shortcut", "shortcut", 100),
        seen(OPEN, "healthy", None),
    ]
    assert confusion(found) == {("healthy", "healthy"): 1, ("shortcut", "healthy"): 1, ("shortcut", "shortcut"): 1}
    assert "2 broken runs, 1 named rightly (50%); half of these were known by step 100. 1 runs" in summary(found)
    rows = list(csv.DictReader(as_csv(found).splitlines()))
    assert [row["right"] for row in rows] == ["yes", "no", "yes", ""] and rows[0]["why"] == "x, y"
    figure = ElementTree.fromstring(as_svg(found))
    assert sorted(each.text for each in figure.iter("{http://www.w3.org/2000/svg}text") if each.text.isdigit()) == ["1", "1", "1"]


def test_a_case_is_trained_kept_and_judged_anew(tmp_path, monkeypatch, tiny):
    case = Case("a small one", dict(tiny), "healthy")
    record = measured(case)
    write(tmp_path / judging.MEASURED, {case.name: record})
    assert read(tmp_path / judging.MEASURED) == {case.name: record}
    assert record.measures[0][0] == 0 and record.measures[-1][0] == case.config.steps
    assert record.measures[0][1]["loss"] > 0 and "knn/shape" in record.measures[-1][1]
    monkeypatch.setattr(judging, "cases", lambda: [case])
    monkeypatch.setattr(judging, "measured", lambda case: pytest.fail("it is measured already"))
    assert [each.said.state for each in judging.run(tmp_path)] == ["starting"]
