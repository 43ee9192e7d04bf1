import math
import re

import pytest
import torch

from playground.config import RunConfig
from playground.datasets.base import Images
from playground.diagnostics import CATALOG
from playground.diagnostics.advice import GENTLER, IDLE, NEEDS, WIDER, advice
from playground.diagnostics.assignments import bin_use
from playground.diagnostics.course import LossCourse, LossScale
from playground.diagnostics.limits import PATIENCE, RISEN, SPREAD, UNFOLDING, WIDE, bar_limits, bin_limit, rank_limit
from playground.diagnostics.pictures import variety
from playground.diagnostics.run_context import RunContext
from playground.diagnostics.verdict import diverged, judge
from playground.methods import CATALOG as METHODS

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


def verdict(values, step=200, start=START, before=None, **of):
    return judge(step, values, start, RunContext(**{"sizes": LAYERS, "images": 500, "about": "shape", **of}), before)


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
    assert (spread["limit"], spread["side"], spread["says"], spread["met"]) == (
        SPREAD["projector"].fails,
        "below",
        "complete collapse",
        True,
    )
    assert spread["value"] == pytest.approx(found.evidence["projector/relative_std"]) and spread["value"] < 0.01
    assert spread["holds"] and not any(each["holds"] for each in verdict(measured()).checks)
    alone = [each for each in verdict(measured(view_agreement=0.1)).checks if each["what"] == "view agreement"]
    assert [(each["met"], each["holds"]) for each in alone] == [(True, False)]  # views disagree, but labels are known better than before
    narrow = next(each for each in verdict(measured()).checks if each["what"].startswith("effective dimensions"))
    assert narrow["limit"] == rank_limit(64).fails and not narrow["met"]


def test_the_judge_waits_before_it_speaks():
    found = verdict(measured(POINT, POINT), step=5)
    assert (found.state, set(found.layers.values())) == ("starting", {"starting"})
    assert "although the features of all images are similar so far" in verdict(measured(POINT, POINT), step=25).sentence
    assert "similar" not in verdict(measured(), step=25).sentence
    assert verdict(measured(POINT, POINT), step=30).state == "complete collapse"


def test_a_collapsed_projector_over_a_backbone_that_knows_nothing_is_a_collapse():
    idle = measured(POINT, knn__shape=0.3, knn__color=0.9, view_agreement=0.0)
    assert verdict(idle).state == verdict(idle, step=PATIENCE - 1).state == "complete collapse"
    assert verdict(idle).layers["backbone"] == "no learning"


def test_a_healthy_verdict_says_what_was_learned():
    assert "The k-NN accuracy for shape is 90%; with random weights it was 30%." in verdict(measured()).sentence


UNKNOWN = {"knn__shape": 0.32, "knn__color": 1.0, "explained__shape": 0.06}  # the shape, though more often than before


@pytest.mark.parametrize(
    ("more", "state"),
    [
        ({}, "healthy"),
        ({"explained__color": 0.4}, "healthy"),  # shape was learned all the same
        ({"explained__color": 0.4} | UNKNOWN, "shortcut"),
        ({"explained__color": 0.32} | UNKNOWN, "unclear"),
        ({"explained__color": 0.2} | UNKNOWN, "unclear"),  # nothing explains much
        ({"explained__color": 0.4, "view_agreement": 0.85} | UNKNOWN, "unclear"),  # not even the views agree
        ({"explained__color": 0.7, "view_agreement": 0.85} | UNKNOWN, "shortcut"),  # but color is nearly all
    ],
)
def test_a_shortcut_is_a_nuisance_that_solves_the_task(more, state):
    found = verdict(measured(**more))
    assert found.state == state
    if state == "shortcut":
        assert "by color, which explains" in found.sentence and "change color" in found.advice
        assert verdict(measured(**more), compares=False).state == "healthy"  # who restores colors is right to keep them
        assert verdict(measured(**more), off=["predictor"]).advice.startswith("Turn predictor back on, then make the augmentation")
        early = verdict(measured(**more), step=PATIENCE - 1)
        assert early.state == "healthy" and "from step 100 on" in early.sentence and "on." not in verdict(measured()).sentence


def test_color_that_explains_much_of_photographs_from_the_start_is_no_shortcut_where_the_subject_gains():
    """As seen of SimCLR on CIFAR-10 by step 100: k-NN from 29 to 32%, average color 35 to 43%, the class 8.6 to 18% of the variance."""
    start = {"knn/class": 0.285, "explained/class": 0.086, "explained/average color": 0.35}
    bare = {name: value for name, value in measured().items() if not name.startswith(("knn/", "explained/"))}
    photos = bare | {"knn/class": 0.322, "explained/class": 0.181, "explained/average color": 0.43, "view_agreement": 0.6}
    about = {"start": start, "about": "class", "labeled": {"class": 512}}
    assert verdict(photos, **about).state == "healthy"
    assert verdict(photos | {"knn/class": 0.29}, **about).state == "unclear"  # no gain worth the name; but views are far from agreeing
    colored = photos | {"explained/average color": 0.7}
    assert verdict(colored, **about).state == "healthy"
    assert verdict(colored | {"explained/class": 0.1}, **about).state == "shortcut"
    assert verdict(colored | {"explained/class": 0.155}, **about).state == "unclear"
    assert verdict(colored | {"knn/class": 0.29}, **about).state == "shortcut"


def test_features_along_one_line_are_a_collapse_however_many_directions_have_a_little():
    """A line with noise: an entropy that says many dimensions, where one has nearly all of the variance. Not of a young projector."""
    line = 6 * sphere(500, 1, seed=1) @ sphere(1, 64, seed=2) + sphere(500, 64)
    found = measured(line)
    assert found["projector/participation_ratio"] < 1.15 and found["projector/rankme_centered"] > 10
    assert verdict(found).state == "projector collapse" and "in one direction" in verdict(found).sentence
    assert verdict(found).layers == {"backbone": "healthy", "projector": "dimensional collapse"}
    assert verdict(found, step=UNFOLDING - 1).state == "healthy"
    assert verdict(measured(backbone=line)).state == "healthy"
    assert verdict(found, guards={}).state == "healthy", "a code that an image is painted from begins so"
    assert verdict({name: value for name, value in found.items() if name != "projector/participation_ratio"}).state == "healthy"
    bins = {"teacher/perplexity": 124.0, "teacher/entropy": 0.77 * math.log(256)}
    assert verdict(found | bins, bins={"teacher": 256}).state == "healthy", "a DINO that is, on shapes"


def test_what_lies_between_its_limits_is_said_in_a_sentence():
    low, high = rank_limit(64).fails, rank_limit(64).clears
    found = verdict(measured(**UNKNOWN) | {"projector/rankme_centered": (low + high) / 2, "explained/color": 0.0})
    assert found.state == "unclear"
    assert f"{(low + high) / 2:.3g} ({low:.3g} or less is dimensional collapse, {high:.3g} or more is not)." in found.sentence


def test_where_the_verdict_is_unclear_so_is_the_layer_that_it_doubts():
    between = verdict(measured(**UNKNOWN) | {"projector/rankme_centered": sum((rank_limit(64).fails, rank_limit(64).clears)) / 2})
    assert (between.state, between.layers) == ("unclear", {"projector": "unclear", "backbone": "healthy"})
    narrow = {"projector/rankme_centered": rank_limit(64).fails / 2, "rankme_centered": between.evidence["projector/rank"]}
    sick = verdict(measured(**UNKNOWN) | narrow)
    assert (sick.state, sick.layers) == ("projector collapse", {"projector": "dimensional collapse", "backbone": "unclear"})
    assert "Whether the backbone has collapsed is unclear" in sick.sentence
    idle = verdict(measured(knn__shape=0.3, knn__color=0.9, explained__shape=0.05))
    assert (idle.state, idle.layers) == ("unclear", {"projector": "healthy", "backbone": "unclear"})
    assert not any(each["holds"] for each in idle.checks)


def test_before_a_subject_can_be_expected_to_be_known_its_loss_alone_is_a_reason_to_doubt():
    young = {"step": PATIENCE - 1, "values": measured(knn__shape=0.3, knn__color=0.9, explained__shape=0.05)}
    assert verdict(**young).state == "healthy"
    assert verdict(**young | {"values": young["values"] | {"knn/shape": 0.2}}).state == "unclear"


def test_what_is_known_worse_than_at_random_weights_is_no_learning():
    lost = {"knn__shape": 0.2, "knn__color": 0.9, "explained__shape": 0.05}
    assert verdict(measured(**lost)).state == "no learning" and "worse than at the start" in verdict(measured(**lost)).sentence
    assert verdict(measured(**lost | {"knn__shape": 0.29})).state == "unclear"
    assert verdict(measured(**lost | {"knn__color": 1.0})).state != "no learning"  # a method may trade one for another


@pytest.mark.parametrize(("count", "used", "state"), [(64, 1.9, True), (64, 2.6, False), (2, 1.1, True), (3, 2.2, False)])
def test_a_few_bins_are_in_one_where_fewer_are_in_use(count, used, state):
    assert bin_limit(count).met(used) is state and bin_limit(count).near(used) is state


def test_without_labels_the_average_color_must_explain_most():
    bare = {name: value for name, value in measured().items() if not name.startswith(("knn/", "explained/"))}
    for share, state in ((0.45, "healthy"), (0.55, "unclear"), (0.7, "shortcut")):
        assert verdict(bare | {"explained/average color": share}, about="").state == state


@pytest.mark.parametrize(
    ("more", "compares", "state"),
    [
        ({"moved": 0.02}, True, "no learning"),
        ({"moved": 0.02}, False, "no learning"),
        ({"view_agreement": 0.1}, True, "no learning"),
        ({"view_agreement": 0.1}, False, "unclear"),
        ({"view_agreement": 0.1, "knn__color": 0.99}, False, "healthy"),  # something was learned, and that is all it was asked for
    ],
)
def test_no_learning_is_features_that_stay_or_views_that_are_strangers(more, compares, state):
    idle = {"knn__shape": 0.3, "knn__color": 0.9}
    assert verdict(measured(**idle | more), compares=compares).state == state


def test_a_factor_that_nobody_asked_for_does_not_make_a_run_healthy():
    """As seen of SwAV with 5 prototypes: the background known better, the shape less well than at random weights."""
    start = START | {"knn/background": 0.6, "knn/shape": 0.37}
    found = verdict(measured(knn__shape=0.3, knn__background=0.9, knn__color=0.9), start=start)
    assert found.state == "unclear"
    assert "the k-NN accuracy for shape is lower than with random weights: 30%, before 37%" in found.sentence
    assert "background" in found.sentence


def test_a_gain_among_few_images_is_no_proof():
    values = measured(knn__shape=0.4, knn__color=0.9)
    assert verdict(values, labeled={"shape": 500, "color": 500}).state == "healthy"
    assert verdict(values, labeled={"shape": 40, "color": 40}).state == "unclear"  # two standard errors are 0.21


def test_a_wide_projector_need_not_be_filled():
    """As seen of SimCLR with a projection_size of 2048: about 44 dimensions in use, shape from 37 to 98%."""
    wide = {"sizes": {"projector": 2048, "backbone": 64}, "images": 1024}
    values = measured() | {"projector/feature_std": 0.9 / 2048**0.5, "projector/rankme_centered": 44.3, "knn/shape": 0.98}
    assert verdict(values, **wide).state == "healthy"
    assert rank_limit(2047) == rank_limit(WIDE)
    assert verdict(values | {"projector/rankme_centered": 2.0}, **wide).state == "projector collapse"


def test_what_lies_between_the_limits_is_unclear_and_what_was_said_before_stands():
    limit = rank_limit(64)
    gray, sick, well = ({"projector/rankme_centered": value} for value in ((limit.fails + limit.clears) / 2, limit.fails / 2, 60.0))
    idle = measured(knn__shape=0.31, knn__color=0.9)
    found = verdict(idle | gray)
    assert found.state == "unclear" and "effective dimensions" in found.sentence and "dimensional collapse" in found.sentence
    assert verdict(measured() | gray).state == "healthy"  # shape is known: nothing is missing
    collapsed = verdict(idle | sick)
    states = [collapsed.state, verdict(idle | gray, before=collapsed).state, verdict(idle | well, before=collapsed).state]
    assert states == ["projector collapse", "projector collapse", "unclear"]
    assert verdict(measured() | gray, before=verdict(measured() | sick)).state == "healthy"  # as seen of SimCLR with SGD at 10: 38 to 95%
    healthy = verdict(measured() | well)
    barely = measured(knn__shape=0.34, explained__shape=0.08)  # less than GAIN, but more than half of it
    for part, state in ((0.9, "healthy"), (0.2, "unclear")):  # of the way through the gray zone
        rank = {"projector/rankme_centered": limit.fails + part * (limit.clears - limit.fails)}
        assert verdict(barely | rank, before=healthy).state == state


def course(*losses, changed=()):
    found = LossCourse()
    for step, loss in enumerate(losses):
        if step in dict(changed):
            found.changed(dict(changed)[step])
        found.add(loss)
    return found.values()


@pytest.mark.parametrize(
    ("losses", "state"),
    [
        ([5.0] + [14.0] * 20, "healthy"),
        ([5.0] + [16.0] * 20, "divergence"),
        ([25.0] * 80 + [80.0] * 20, "divergence"),
    ],
)
def test_divergence_is_a_loss_far_above_its_start_or_not_finite(losses, state):
    assert verdict(measured() | course(*losses)).state == state
    assert verdict(measured(feature_std=math.nan)).state == "divergence"
    found = diverged(7, "The loss must be finite, got inf")
    assert (found.step, found.state) == (7, "divergence") and "learning rate" in found.advice


@pytest.mark.parametrize(
    ("losses", "scale", "state"),
    [
        ([2.0] + [3.4] * 20, LossScale(0, 4), "divergence"),  # as BYOL's: it could never be three times as large
        ([2.0] + [2.9] * 20, LossScale(0, 4), "healthy"),
        ([2.0] + [3.4] * 20, LossScale(0), "healthy"),
        ([3.9] + [4.0] * 20, LossScale(0, 4), "healthy"),  # it has no room to rise: other rules must see what is wrong
        ([0.0] + [0.8] * 20, LossScale(-1, 1), "divergence"),  # as SimSiam's, which begins at zero
        ([0.0] + [0.3] * 20, LossScale(-1, 1), "healthy"),
        ([-0.5] + [0.6] * 20, LossScale(-1, 1), "divergence"),
        ([-1.0] + [-0.95] * 20, LossScale(-1), "healthy"),  # of nothing any rise is endless
        ([-0.5] + [1.0] * 20, LossScale(-1), "divergence"),
        ([0.01] + [8.0] * 20, LossScale(0, 37, guess=8.3), "healthy"),  # as MoCo's, whose first keys are random
        ([0.01] + [36.0] * 20, LossScale(0, 37, guess=8.3), "divergence"),
    ],
)
def test_a_rise_is_measured_by_what_the_method_says_of_its_loss(losses, scale, state):
    found = verdict(measured() | course(*losses), loss=scale)
    assert found.state == state
    if state == "divergence":
        assert ("Its highest possible value is" in found.sentence) == math.isfinite(scale.high)


@pytest.mark.parametrize("method", METHODS)
def test_every_loss_leaves_room_to_be_called_far_too_high(method):
    """Whoever knows nothing, and whoever begins there, can do so much worse that the judge would say it."""
    config = RunConfig(method=method)
    scale = RunContext.of_run(config, {"layers": LAYERS, "bins": {}, "probe": 500, "about": ""}).loss
    start = scale.low + 1 if math.isinf(scale.high) else (scale.low + scale.high) / 2
    assert scale.low < scale.base(start) and RISEN.met(scale.rise(start, min(scale.high, 1e6)))


def test_a_moved_weight_is_no_divergence_but_a_moved_learning_rate_hides_none():
    """As seen of VICReg, whose weights were moved from 25 to 100 at step 80."""
    losses = [25.0] * 80 + [90.0] * 20
    assert verdict(measured() | course(*losses, changed={80: "method.variance_weight"}.items())).state == "healthy"
    assert verdict(measured() | course(*losses, changed={80: "optimizer.learning_rate"}.items())).state == "divergence"
    assert verdict(measured() | course(*losses), steady=False).state == "healthy"  # a schedule moves it all the time


def test_a_course_goes_on_from_its_state():
    begun, resumed = LossCourse([3.0, 2.0, 1.0]), LossCourse()
    resumed.restore(begun.state())
    for each in (begun, resumed):
        each.add(5.0)
    assert begun.values() == resumed.values() == {"loss": 2.75, "loss/start": 3.0}


def test_random_weights_are_not_told_to_learn_faster():
    idle = verdict(measured(moved=0.0, knn__shape=0.3, knn__color=0.9), trains=False)
    assert (idle.state, idle.advice) == ("no learning", "") and "random weights that never change" in idle.sentence


def test_pictures_that_are_all_the_same_are_no_fault_of_the_network():
    alike = {"distinct": 1.0, "share": 1 / 500, "difference": 0.0, "detail": 0.2}
    found = verdict(measured(POINT, POINT), pictures=alike)
    assert found.state == "pictures alike" and found.sentence.startswith("Your images are all the same") and "Data page" in found.advice
    assert set(found.layers.values()) == {"unclear"} and {each["layer"] for each in found.checks} == {"data"}, "no network is blamed"
    few = {"distinct": 2.0, "share": 2 / 500, "difference": 0.3, "detail": 0.2}
    assert "only 2 of the 500 probe images are different" in verdict(measured(), pictures=few).sentence
    plain = {"distinct": 500.0, "share": 1.0, "difference": 0.4, "detail": 0.001}
    assert verdict(measured(POINT, POINT), pictures=plain).sentence.startswith("Your images are plain")
    assert verdict(measured(), pictures=plain | {"detail": 0.2}).state == "healthy"


def test_variety_of_pictures_has_closed_forms():
    half = torch.zeros(8, 3, 4, 4, dtype=torch.uint8)
    half[4:] = 255
    found = variety(Images(half, {}, {}))
    assert found == pytest.approx({"distinct": 2, "share": 0.25, "difference": math.sqrt(2) * 0.5, "detail": 0})
    copies = torch.randint(0, 256, (1, 3, 4, 4), dtype=torch.uint8).expand(8, -1, -1, -1)
    found = variety(Images(copies, {}, {}))
    assert (found["distinct"], found["difference"]) == (1, 0) and found["detail"] > 0.1


def test_bars_are_colored_by_the_limits_of_the_rules():
    told = {(each["layer"], each["what"].partition(",")[0]): each for each in verdict(measured()).checks}
    for layer, bars in bar_limits(LAYERS, 500, True).items():
        for bar, what in (("spread", "spread"), ("rank", "effective dimensions")):
            check = told[layer, what]
            assert bars[bar] == [check["limit"], check["clears"]]
        assert bars["most"] == 64


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


def test_advice_names_what_the_method_has():
    assert "turn predictor back on" in verdict(measured(POINT, POINT), off=["predictor"]).advice
    assert verdict(measured(POINT, POINT)).advice == "Different images must be kept apart: try a lower learning rate, or a longer warm-up."
    weight = {"dimensional collapse": ["a higher redundancy weight"]}
    twice = verdict(measured(PLANE, ALIVE), guards={"redundancy": "dimensional collapse"}, remedies=weight)
    assert twice.state == "projector collapse"
    assert twice.advice.startswith("Dimensions must be kept from repeating each other: try a higher redundancy weight, a lower")
    painter = verdict(measured(None, PLANE), guards={}, compares=False, sizes={"backbone": 64})
    assert painter.state == "dimensional collapse" and painter.advice == "What may help: a lower learning rate, or a longer warm-up."


@pytest.mark.parametrize("name", METHODS)
def test_advice_names_only_controls_that_the_method_has(name):
    """With every safeguard on, none of them is named: it is a switch, and has no weight."""
    config = RunConfig(method=name)
    knobs, switches = {each.key: each for each in config.knobs()}, [each.title for each in config.knobs() if each.kind == "switch"]
    of = RunContext.of_run(config, {"layers": LAYERS, "bins": {}, "probe": 500, "about": "shape"})
    for failure in NEEDS:
        told = advice(failure, "", of)
        own = METHODS[name].remedies.get(failure, {})
        assert [f"{way} {knobs[key].title}" in told for key, way in own.items()] == [knobs[key].default != way for key, way in own.items()]
        assert not any(knobs[key].kind == "switch" for key in own)
        rest = told.removeprefix(NEEDS[failure])
        for way in [*of.remedies.get(failure, ()), *GENTLER, *WIDER]:
            rest = rest.replace(way, "")
        assert re.sub("what may help|try|or|[:;, .]", "", rest.replace(IDLE, "").casefold()) == "", told
        assert not any(title in rest for title in switches)
    assert set(METHODS[name].remedies) <= set(NEEDS)


def test_a_control_that_is_at_its_end_is_not_named():
    def told(**flat):
        config = RunConfig(**{key.replace("__", "."): value for key, value in flat.items()})
        return advice("complete collapse", "", RunContext.of_run(config, {"layers": LAYERS, "bins": {}, "probe": 500, "about": "shape"}))

    assert "try a lower temperature, a larger batch size, a lower learning rate" in told(method="simclr")
    assert "temperature" not in told(method="simclr", method__temperature=0.01)
    assert "queue" not in told(method="moco", method__queue_size=65536) and "a larger queue size" in told(method="moco")
    assert "semi-hard mining" in told(method="triplet", method__mining="hard") and "mining" not in told(method="triplet")


def test_a_backbone_with_a_large_common_part_is_no_collapse_where_nothing_follows_it():
    alone = {"sizes": {"backbone": 64}}
    shared, nearer = (measured(None, torch.ones(500, 64) + spread * sphere(500, 64)) for spread in (0.08, 0.02))
    assert 0.04 < shared["feature_std"] * 8 < 0.15
    assert verdict(shared, **alone).state == "healthy"
    assert verdict(nearer, **alone).state == "complete collapse"
    unguarded = verdict(nearer, guards={}, **alone)  # fixed targets keep it from collapsing
    assert unguarded.state == "healthy" and "the features of all images are still similar" in unguarded.sentence
