import math

import pytest
import torch

from playground.diagnostics import CATALOG
from playground.diagnostics.assignments import bin_use
from playground.diagnostics.rules import COMPLETE, NARROW, PATIENCE, RISEN, Subject
from playground.diagnostics.verdict import diverged, judge

LAYERS = {"projector": 64, "backbone": 64}
START = {"view_agreement": -0.3, "knn/shape": 0.3, "knn/color": 0.9, "explained/shape": 0.05, "explained/color": 0.2, "loss": 5.0}


def sphere(count, size, seed=0):
    return torch.randn(count, size, generator=torch.Generator().manual_seed(seed))


ALIVE = sphere(500, 64)
POINT = torch.ones(500, 64) + 1e-4 * sphere(500, 64)
PLANE = sphere(500, 2) @ sphere(2, 64, seed=1)
LEARNED = {"moved": 0.8, "knn/shape": 0.9, "knn/color": 0.3, "explained/shape": 0.5, "explained/color": 0.02, "loss": 3.0}


def measured(projector=ALIVE, backbone=ALIVE, **more):
    """Real diagnostics of these features, whose two views are the same, and LEARNED unless told otherwise."""
    layers = {"projector/": projector, "": backbone}
    values = {
        f"{prefix}{name}": float(each({"features": x, "first": x[:250], "second": x[:250]}))
        for prefix, x in layers.items()
        if x is not None
        for name, each in CATALOG.items()
    }
    return values | LEARNED | {name.replace("__", "/"): value for name, value in more.items()}


def verdict(values, step=200, start=START, **of):
    return judge(step, values, start, Subject(**{"sizes": LAYERS, "images": 500, "about": "shape", **of}))


@pytest.mark.parametrize(
    ("projector", "backbone", "state", "layers"),
    [
        (ALIVE, ALIVE, "healthy", ("healthy", "healthy")),
        (POINT, POINT, "complete collapse", ("complete collapse", "complete collapse")),
        (PLANE, PLANE, "dimensional collapse", ("dimensional collapse", "dimensional collapse")),
        (POINT, ALIVE, "projector collapse", ("complete collapse", "healthy")),
        (PLANE, ALIVE, "projector collapse", ("dimensional collapse", "healthy")),
        (PLANE, POINT, "dimensional collapse", ("dimensional collapse", "complete collapse")),
        (ALIVE, PLANE, "dimensional collapse", ("healthy", "dimensional collapse")),
    ],
)
def test_the_judge_tells_kinds_of_collapse_apart_in_both_layers(projector, backbone, state, layers):
    found = verdict(measured(projector, backbone))
    assert (found.state, (found.layers["projector"], found.layers["backbone"])) == (state, layers)
    assert bool(found.advice) == (state != "healthy")


def test_every_rule_states_its_threshold_and_whether_it_is_met():
    found = verdict(measured(POINT, POINT))
    spread = next(each for each in found.checks if each["layer"] == "projector" and each["what"].startswith("spread"))
    assert (spread["limit"], spread["side"], spread["says"], spread["met"]) == (COMPLETE["projector"], "below", "complete collapse", True)
    assert spread["value"] == pytest.approx(found.evidence["projector/relative_std"]) and spread["value"] < 0.01
    assert spread["holds"] and not any(each["holds"] for each in verdict(measured()).checks)
    alone = [each for each in verdict(measured(view_agreement=0.1)).checks if each["what"] == "view agreement"]
    assert [(each["met"], each["holds"]) for each in alone] == [(True, False)]  # views disagree, but labels are known better than before
    narrow = next(each for each in verdict(measured()).checks if each["what"].startswith("effective dimensions"))
    assert narrow["limit"] == NARROW and not narrow["met"]


def test_the_judge_waits_before_it_speaks():
    found = verdict(measured(POINT, POINT), step=5)
    assert (found.state, set(found.layers.values())) == ("starting", {"starting"})
    assert verdict(measured(POINT, POINT), step=30).state == "complete collapse"


def test_a_collapsed_projector_over_a_backbone_that_knows_nothing_is_a_collapse():
    idle = measured(POINT, knn__shape=0.3, knn__color=0.9, view_agreement=0.0)
    assert verdict(idle).state == verdict(idle, step=PATIENCE - 1).state == "complete collapse"
    assert verdict(idle).layers["backbone"] == "no learning"


def test_a_healthy_verdict_says_what_was_learned():
    assert "shape 90% of the time, from 30% at random weights" in verdict(measured()).sentence


@pytest.mark.parametrize(
    ("more", "state"),
    [
        ({}, "healthy"),
        ({"explained__color": 0.4}, "healthy"),  # shape was learned all the same
        ({"explained__color": 0.4, "knn__shape": 0.32, "knn__color": 1.0}, "shortcut"),
        ({"explained__color": 0.25, "knn__shape": 0.32, "knn__color": 1.0}, "healthy"),  # nothing explains much
        ({"explained__color": 0.4, "knn__shape": 0.32, "knn__color": 1.0, "view_agreement": 0.4}, "healthy"),  # not even the views agree
        ({"explained__color": 0.7, "knn__shape": 0.32, "knn__color": 1.0, "view_agreement": 0.4}, "shortcut"),  # but color is nearly all
    ],
)
def test_a_shortcut_is_a_nuisance_that_solves_the_task(more, state):
    found = verdict(measured(**more))
    assert found.state == state
    if state == "shortcut":
        assert "by color, which explains" in found.sentence and "change color" in found.advice
        assert verdict(measured(**more), compares=False).state == "healthy"  # who restores colors is right to keep them
        assert verdict(measured(**more), step=PATIENCE - 1).state == "healthy"


def test_without_labels_the_average_color_must_explain_most():
    bare = {name: value for name, value in measured().items() if not name.startswith(("knn/", "explained/"))}
    for share, state in ((0.5, "healthy"), (0.7, "shortcut")):
        assert verdict(bare | {"explained/average color": share}, about="").state == state


@pytest.mark.parametrize(
    ("more", "compares", "state"),
    [
        ({"moved": 0.02}, True, "no learning"),
        ({"moved": 0.02}, False, "no learning"),
        ({"view_agreement": 0.1}, True, "no learning"),
        ({"view_agreement": 0.1}, False, "healthy"),
        ({"view_agreement": 0.1, "knn__color": 0.97}, True, "healthy"),  # something was learned
    ],
)
def test_no_learning_is_features_that_stay_or_views_that_are_strangers(more, compares, state):
    idle = {"knn__shape": 0.3, "knn__color": 0.9}
    assert verdict(measured(**idle | more), compares=compares).state == state


def test_divergence_is_a_loss_far_above_its_start_or_not_finite():
    assert verdict(measured(loss=RISEN * 5 + 0.1)).state == "divergence"
    assert verdict(measured(loss=RISEN * 5 - 0.1)).state == "healthy"
    assert verdict(measured(loss=-20.0), start=START | {"loss": -1.0}).state == "healthy"  # ratios mean nothing below zero
    assert verdict(measured(feature_std=math.nan)).state == "divergence"
    found = diverged(7, "The loss must be finite, got inf")
    assert (found.step, found.state) == (7, "divergence") and "learning rate" in found.advice


@pytest.mark.parametrize(
    ("shares", "who", "state"),
    [
        (torch.eye(8)[torch.arange(64) % 8], "prototypes", "healthy"),
        (torch.eye(8)[torch.zeros(64, dtype=torch.long)], "prototypes", "cluster collapse"),
        (torch.eye(8)[torch.zeros(64, dtype=torch.long)], "teacher", "one-hot teacher"),
        (torch.full((64, 8), 1 / 8), "teacher", "uniform teacher"),
        (torch.full((64, 8), 1 / 8), "clusters", "cluster collapse"),
    ],
)
def test_the_judge_sees_bins_collapse_while_features_look_alive(shares, who, state):
    values = measured() | {name: float(each) for name, each in bin_use(shares, who).items()}
    found = verdict(values, bins={who: 8})
    assert found.state == state and found.layers["projector"] == "healthy"
    assert found.evidence[f"{who}/perplexity"] == pytest.approx(values[f"{who}/perplexity"])


def test_advice_names_the_safeguard_that_is_off():
    assert "turn predictor back on" in verdict(measured(POINT, POINT), off=["predictor"]).advice
    assert "learning rate" in verdict(measured(POINT, POINT)).advice


def test_a_backbone_with_a_large_common_part_is_no_collapse_where_nothing_follows_it():
    alone = {"sizes": {"backbone": 64}}
    shared, nearer = (measured(None, torch.ones(500, 64) + spread * sphere(500, 64)) for spread in (0.08, 0.02))
    assert 0.04 < shared["feature_std"] * 8 < 0.15
    assert verdict(shared, **alone).state == "healthy"
    assert verdict(nearer, **alone).state == "complete collapse"
    unguarded = verdict(nearer, guarded=False, **alone)  # fixed targets keep it from collapsing
    assert unguarded.state == "healthy" and "images still look much alike" in unguarded.sentence
