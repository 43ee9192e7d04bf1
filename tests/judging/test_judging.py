import csv
import gzip
import xml.etree.ElementTree as ElementTree
from dataclasses import replace

import pytest
import torch

from playground.config import knobs_for
from playground.events import Finished, Verdict
from playground.home import site
from playground.judging import margins as judging_margins
from playground.judging import outcomes as judging
from playground.judging.cases import ASK, HELD_OUT, OPEN, OUTSIDE, SEEDS, SICK, STATES, Case, cases, home_cases, outside_cases
from playground.judging.outcomes import RECORDS, Outcome, Record, is_right, measured, outcome, read, truth_of, write
from playground.judging.report import as_csv, as_svg, confusion, summary
from playground.judging.witness import gain_in_errors, geometry
from playground.methods import CATALOG

KEPT = site() / "assets" / "judge"


@pytest.fixture(scope="module")
def outcomes():
    return list(judging.run(KEPT, train_missing=False))


def test_every_safeguard_of_every_method_has_a_case_whose_name_is_its_own():
    names = [each.name for each in home_cases()]
    assert len({each.name for each in cases()}) == len(cases())
    safeguards = [(name, each.title) for name in CATALOG for each in knobs_for(method=name) if each.without]
    assert all(f"{name} without {title}" in names for name, title in safeguards) and len(safeguards) > 20
    assert {each.expected for each in cases()} <= {*STATES, OPEN, ASK}


@pytest.mark.slow
def test_each_beginning_of_the_outside_cases_is_a_fair_sample_of_data_sets_seeds_and_kinds():
    found = outside_cases()
    for begun in (found[:24], found[:60], found):
        for part in (
            [each.data for each in begun],
            [each.settings["seed"] for each in begun],
            [{"healthy": 0, ASK: 1}.get(each.expected, 2) for each in begun],
        ):
            counts = [part.count(each) for each in set(part)]
            assert len(set(part)) in (len(OUTSIDE), len(SEEDS)) and min(counts) >= len(begun) / 6
    assert {each.held_out for each in found if each.settings["seed"] == HELD_OUT} == {True}
    assert all(each.config.steps and "network" in each.settings for each in found)  # nothing is refused, nothing left to a default


@pytest.mark.slow
def test_the_kept_numbers_are_of_these_cases_and_give_the_kept_table_and_figure(outcomes):
    known = {each.name: each.settings for each in cases()}
    for file in KEPT.glob(f"*{RECORDS}"):
        assert all(known.get(name) == record.settings for name, record in read(file).items()), file
    assert {each.case.name for each in outcomes} >= {each.name for each in home_cases()}
    assert (KEPT / judging.TABLE).read_text() == as_csv(outcomes), "run: ssl-playground judge --to assets/judge --again"
    assert (KEPT / judging.FIGURE).read_text() == as_svg(outcomes), "run: ssl-playground judge --to assets/judge --again"
    assert (KEPT / judging.MARGINS).read_text() == judging_margins.as_svg(outcomes), "run: ssl-playground judge --to assets/judge --again"


def test_no_healthy_run_is_called_collapsed_and_nearly_all_broken_ones_are_named_rightly(outcomes):
    in_domain = [each for each in outcomes if each.case.data == "shapes"]
    healthy = [each for each in in_domain if each.truth == "healthy"]
    broken = [each for each in in_domain if each.truth not in ("healthy", OPEN)]
    assert len(healthy) + len(broken) >= 60
    assert [each.case.name for each in healthy if not each.right] == []
    assert sum(each.right for each in broken) >= 0.95 * len(broken)


@pytest.mark.parametrize("data", OUTSIDE)
def test_on_real_pictures_no_healthy_run_is_called_sick_and_nine_of_ten_broken_ones_are_named(outcomes, data):
    there = [each for each in outcomes if each.case.data == data]
    healthy = [each for each in there if each.truth == "healthy"]
    broken = [each for each in there if each.truth not in ("healthy", OPEN)]
    assert len(healthy) >= 40 and {each.verdict.state for each in healthy} <= {"healthy", "unclear"}
    assert len(broken) >= 30 and sum(each.right for each in broken) >= 0.9 * len(broken)


def test_a_run_that_learned_nothing_counts_for_nothing(outcomes):
    records = read(KEPT / f"shapes{RECORDS}")
    case = cases()[0]
    assert case.expected == "healthy" and outcome(case, records[case.name]).truth == "healthy"
    first = records[case.name].measures[0]
    idle = replace(records[case.name], measures=[first, (300, first[1])], witness={})
    assert outcome(case, idle).truth == OPEN
    known = idle.witness | {"knn": 0.5, "knn/untrained": 0.5, "asked": 1096.0}
    assert outcome(case, replace(records[case.name], witness=known)).truth == OPEN


def test_a_collapse_of_the_projector_alone_is_right_where_its_kind_is():
    said = Verdict(300, "projector collapse", "", {}, layers={"projector": "complete collapse", "backbone": "healthy"})
    assert is_right(said, "complete collapse") and not is_right(said, "dimensional collapse")


def witnessed(after, before=0.3, **more):
    said = {"knn": after, "knn/untrained": before, "asked": 2000.0, "spread": 0.8, "dimensions": 20.0} | more
    return Record({}, {"about": "class"}, [], witness=said)


@pytest.mark.parametrize(
    ("expected", "record", "truth"),
    [
        ("healthy", witnessed(0.345), "healthy"),  # 3.05 standard errors
        ("healthy", witnessed(0.34), OPEN),
        (ASK, witnessed(0.345), "healthy"),
        (ASK, witnessed(0.33), OPEN),
        (ASK, witnessed(0.31), SICK),  # 0.7
        ("complete collapse", witnessed(0.3, **{"projector/spread": 0.2}), SICK),
        ("complete collapse", witnessed(0.4, **{"projector/spread": 0.2}), OPEN),  # on its way, over a backbone that learned
        ("no learning", witnessed(0.31), "no learning"),
        ("no learning", witnessed(0.5), OPEN),
        ("complete collapse", witnessed(0.3, **{"projector/spread": 0.05, "projector/dimensions": 3.0}), "complete collapse"),
        ("complete collapse", witnessed(0.3, **{"projector/spread": 0.9, "projector/dimensions": 3.0}), OPEN),
        ("dimensional collapse", witnessed(0.3, **{"projector/spread": 0.9, "projector/dimensions": 1.2}), "dimensional collapse"),
        ("dimensional collapse", witnessed(0.3, **{"projector/spread": 0.05, "projector/dimensions": 2.0}), "complete collapse"),
        ("dimensional collapse", witnessed(0.3, dimensions=30.0), OPEN),
        ("dimensional collapse", witnessed(0.3, dimensions=2.0), OPEN),
        ("cluster collapse", witnessed(0.3, used=1.1, undecided=0.0), "cluster collapse"),
        ("one-hot teacher", witnessed(0.3, used=40.0, undecided=0.5), OPEN),
        ("uniform teacher", witnessed(0.3, used=255.0, undecided=0.99), "uniform teacher"),
        ("divergence", replace(witnessed(0.3), failed=(5, "not finite")), "divergence"),
        ("divergence", witnessed(0.3), SICK),
    ],
)
def test_what_a_run_became_is_for_the_witness_to_say(expected, record, truth):
    assert truth_of(Case("a run", {}, expected), record) == truth


def test_what_is_counted():
    def seen(truth, said, detected_at, seed=0):
        case = Case(f"{truth} {said}", {"data": "cifar10", "seed": seed}, truth)
        return Outcome(case, truth, Verdict(300, said, "x, y", {}), detected_at)

    found = [
        seen("healthy", "healthy", 30),
        seen("healthy", "unclear", None),
        seen("shortcut", "healthy", None, HELD_OUT),
        seen("shortcut", "shortcut", 100),
        seen(SICK, "dimensional collapse", 100),
        seen(OPEN, "healthy", None),
    ]
    counts = {("healthy", "healthy"): 1, ("healthy", "unclear"): 1, ("shortcut", "healthy"): 1, ("shortcut", "shortcut"): 1}
    assert confusion(found) == counts | {(SICK, "dimensional collapse"): 1}
    everything, held_out = summary(found).splitlines()
    assert "2 healthy runs, 0 of them judged as failed, 1 unclear. 3 broken runs, 2 recognized (67%); half of these" in everything
    assert held_out.startswith("cifar10, held out: 0 healthy runs") and "1 broken runs, 0 recognized" in held_out
    rows = list(csv.DictReader(as_csv(found).splitlines()))
    assert [row["right"] for row in rows] == ["yes", "no", "no", "yes", "yes", ""] and rows[0]["why"] == "x, y"
    assert [row["held out"] for row in rows] == ["", "", "yes", "", "", ""]
    figure = ElementTree.fromstring(as_svg(found))
    texts = [each.text for each in figure.iter("{http://www.w3.org/2000/svg}text")]
    assert sorted(each for each in texts if each[0].isdigit()) == ["0 + 1", "1 + 0", "1 + 0", "1 + 0", "1 + 0"]


def test_margins_are_values_over_their_limits_on_the_side_of_what_the_run_was():
    def run(truth, value):
        check = {"what": "spread, of 1/sqrt(64)", "layer": "projector", "says": "complete collapse", "value": value, "side": "below"}
        said = Verdict(300, truth, "", {}, checks=[check | {"speaks": 0.15, "clears": 0.3, "limit": 0.15}])
        return Outcome(Case(f"{truth} {value}", {}, truth), truth, said, None)

    (strip,) = judging_margins.strips([run("healthy", 0.6), run("complete collapse", 0.075), run("shortcut", 0.9)])
    assert strip.gray == 2 and strip.healthy == [("healthy 0.6", 4.0)] and strip.broken == [("complete collapse 0.075", 0.5)]
    figure = ElementTree.fromstring(judging_margins.as_svg([run("healthy", 0.6), run("complete collapse", 0.075), run("healthy", 0.0)]))
    dots = [float(each.get("cx")) for each in figure.iter("{http://www.w3.org/2000/svg}circle")]
    left, middle = judging_margins.LEFT, judging_margins.LEFT + judging_margins.WIDTH / 2
    a_doubling = judging_margins.WIDTH / (2 * judging_margins.SPAN)
    assert dots == pytest.approx([middle + 2 * a_doubling, left, middle - a_doubling], abs=0.1)


@pytest.mark.slow
def test_a_case_is_trained_kept_and_judged_anew(tmp_path, monkeypatch, tiny):
    case = Case("a small one", dict(tiny), "healthy")
    record = measured(case)
    file = tmp_path / f"shapes{RECORDS}"
    write(file, {case.name: record})
    assert read(file) == {case.name: record} and gzip.decompress(file.read_bytes()) and len(list(tmp_path.iterdir())) == 1
    assert record.measures[0][0] == 0 and record.measures[-1][0] == case.config.steps == len(record.losses)
    assert record.losses[0] > 0 and "knn/shape" in record.measures[-1][1]
    assert 0 < record.witness["knn"] < 1 and 1 <= record.witness["projector/dimensions"] <= 128
    monkeypatch.setattr(judging, "cases", lambda: [case, Case("another", dict(tiny), "healthy")])
    monkeypatch.setattr(judging, "measured", lambda case: pytest.fail("it is measured already"))
    assert [each.verdict.state for each in judging.run(tmp_path, train_missing=False)] == ["starting"]


def test_a_run_that_cannot_begin_is_no_divergence(monkeypatch):
    monkeypatch.setattr(judging, "train", lambda config, **more: iter([Finished(0, "failed", "there is no such data")]))
    with pytest.raises(ValueError, match="there is no such data"):
        measured(Case("no data", {}, "healthy"))


def test_the_witness_measures_geometry_by_closed_forms():
    corners = torch.cat([torch.eye(8), -torch.eye(8)])
    assert geometry(corners) == pytest.approx({"spread": 1.0, "dimensions": 8.0})
    line = torch.ones(100, 8) + 0.01 * torch.randn(100, 1, generator=torch.Generator().manual_seed(0)) * torch.eye(8)[:1]
    assert geometry(line)["dimensions"] == pytest.approx(1.0, abs=1e-6) and geometry(line)["spread"] < 0.01
    assert gain_in_errors({"knn": 0.6, "knn/untrained": 0.5, "asked": 2000.0}) == pytest.approx(0.1 / (0.49 / 2000) ** 0.5)
