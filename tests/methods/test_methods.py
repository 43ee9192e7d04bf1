"""One battery over all methods: whatever file is added to playground/methods is tested here without a new line."""

import copy
import math
import re

import pytest
import torch

from playground.config import RunConfig, knobs_for
from playground.definitions import Definition
from playground.definitions import of as definition_of
from playground.events import Finished, Metrics, Snapshot, Started
from playground.glossary import collected
from playground.knobs import knobs_of, safeguards_off
from playground.methods import CATALOG, introducing
from playground.networks import CATALOG as NETWORKS
from playground.randomness import seeded_generator
from playground.training.run import train
from support.trainings import smallest, trainer_of

ACTS_WITH = {"method.third_weight": {"method.third": "vicreg"}}  # knobs that need another setting to do anything


collected()
TRAINED = [method for method in CATALOG if CATALOG[method].trains]


def knob_ends():
    for method in CATALOG:
        for knob in knobs_for(method=method):
            mine = knob.key.startswith(("method.", "masking.")) or (method == "simclr" and knob.key.startswith("augment."))
            if mine and knob.kind in ("number", "switch"):
                for value in (knob.low, knob.high) if knob.kind == "number" else (not knob.default,):
                    yield pytest.param(method, knob.key, value, id=f"{method}-{knob.key}={value}")


@pytest.mark.parametrize("method", CATALOG)
def test_it_says_what_it_is(method):
    each = CATALOG[method]
    assert each.__doc__
    assert each.link.startswith("https://")
    assert all(len(text) > 10 for text in (each.summary, each.paper, each.equation))
    assert each.accepts <= {network.family for network in NETWORKS.values()}


@pytest.mark.slow
@pytest.mark.parametrize("method", TRAINED)
def test_the_loss_is_finite_and_every_trainable_weight_gets_a_gradient(method):
    trainer = trainer_of(smallest(method, steps=12))
    values = trainer.update()
    assert all(torch.isfinite(value) and value.ndim == 0 for value in values.values())
    without = [name for name, weight in trainer.method.named_parameters() if weight.requires_grad and weight.grad is None]
    assert without == []
    assert sum(float(weight.grad.abs().sum()) for weight in trainer.method.parameters() if weight.requires_grad) > 0


@pytest.mark.slow
@pytest.mark.parametrize("method", TRAINED)
def test_the_loss_falls_on_views_that_stay_the_same(method):
    trainer = trainer_of(smallest(method, steps=1000, **{"optimizer.warmup_fraction": 0}))
    batch = trainer.batch(1)
    losses = [float(trainer.learn([batch])["loss"]) for _ in range(25) if setattr(trainer, "step", trainer.step + 1) is None]
    assert sum(losses[-5:]) < 0.97 * sum(losses[:5]) if losses[0] > 0 else losses[-1] < losses[0]
    low, high = CATALOG[method].loss_bounds(trainer.config)
    assert low <= min(losses) and max(losses) <= high


@pytest.mark.slow
@pytest.mark.parametrize("method", [each for each in TRAINED if math.isfinite(CATALOG[each].loss_bounds(RunConfig(method=each))[1])])
def test_no_step_raises_a_loss_above_its_upper_bound(method, monkeypatch):
    """Of those that state one: the network climbs its loss instead of going down."""
    trainer = trainer_of(smallest(method, steps=1000, **{"optimizer.warmup_fraction": 0, "optimizer.learning_rate": 0.003}))
    monkeypatch.setattr(type(trainer.method), "backward", lambda self, values: (-values["loss"]).backward() or values)
    batch = trainer.batch(1)
    losses = [float(trainer.learn([batch])["loss"]) for _ in range(25) if setattr(trainer, "step", trainer.step + 1) is None]
    assert losses[0] < max(losses) <= CATALOG[method].loss_bounds(trainer.config)[1]


@pytest.mark.slow
@pytest.mark.parametrize("method", ["simclr", "moco", "npair", "align-uniform"])
def test_a_loss_without_its_safeguards_stays_above_its_lower_bound(method):
    """Where nothing pushes images apart the loss goes to its bound, and never below."""
    off = {knob.key: False for knob in knobs_for(method=method) if knob.without and not knob.key.endswith(".alignment")}
    trainer = trainer_of(smallest(method, steps=1000, **off | {"optimizer.warmup_fraction": 0}))
    batch, bound = trainer.batch(1), CATALOG[method].loss_bounds(trainer.config)[0]
    losses = [float(trainer.learn([batch])["loss"]) for _ in range(25) if setattr(trainer, "step", trainer.step + 1) is None]
    assert min(losses) >= bound - 1e-6 and losses[-1] < bound + 0.3 * (losses[0] - bound)


@pytest.mark.slow
@pytest.mark.parametrize(("method", "key", "value"), list(knob_ends()))
def test_both_ends_of_every_knob_train(method, key, value):
    trainer = trainer_of(smallest(method, steps=2, **{key: value}))
    for _ in range(2):
        assert torch.isfinite(trainer.update()["loss"])


def next_losses(trainer):
    return [float(trainer.update()["loss"]) for _ in range(2)]


@pytest.mark.slow
@pytest.mark.parametrize("method", CATALOG)
def test_live_knobs_take_effect_at_once(method):
    """Moving a knob of the method's own changes the very next loss."""
    live = [knob for knob in knobs_for(method=method) if knob.live and knob.key.startswith(("method.", "masking."))]
    for needed in ({}, *(ACTS_WITH[knob.key] for knob in live if knob.key in ACTS_WITH)):
        trainer = trainer_of(smallest(method, steps=12, **needed))
        trainer.update()
        begun = copy.deepcopy(trainer.state())
        still = next_losses(trainer)
        trainer.restore(copy.deepcopy(begun))
        assert next_losses(trainer) == still, "what differs below differs by the knob alone"
        for knob in (each for each in live if ACTS_WITH.get(each.key, {}) == needed):
            trainer.restore(copy.deepcopy(begun))
            trainer.change(knob.key, knob.low + 0.9 * (knob.high - knob.low))
            assert next_losses(trainer) != still, knob.key


def undefined(events, names):
    """What pages show of a run and no definition says what it is, with what is missing of it."""
    facts = next(event.facts for event in events if isinstance(event, Started))
    own = {"loss": Definition(**facts["loss"])}
    own |= {name: Definition(**each, meaning=each["good"]) for name, each in without_axes(facts["measures"]).items()}
    arrays = {name.partition("/")[0] for event in events if isinstance(event, Snapshot) for name in event.arrays} & {
        "similarity",
        "spectrum",
    }
    uses = {name for event in events if isinstance(event, Snapshot) for name in event.arrays if name.startswith("use/")}
    found = {name: own.get(name) or definition_of(name) for name in {*names, *arrays, *uses}}
    return {name: each.missing if each else ["everything"] for name, each in found.items() if not each or each.missing}


def without_axes(measures):
    return {name: {key: value for key, value in each.items() if key not in ("low", "high")} for name, each in measures.items()}


@pytest.mark.slow
@pytest.mark.parametrize("method", CATALOG)
def test_a_run_measures_every_layer_beside_its_baselines(method):
    events = list(train(smallest(method, steps=2)))
    final = {name: value for event in events if isinstance(event, Metrics) for name, value in event.values.items()}
    assert {"loss", "alignment", "uniformity", "feature_std", "rankme", "knn/shape", "knn/color"} <= set(final)
    assert all(math.isfinite(value) for value in final.values())
    assert undefined(events, final) == {}
    assert isinstance(events[-1], Finished) and events[-1].status == "finished"


@pytest.mark.slow
@pytest.mark.parametrize("method", CATALOG)
def test_every_safeguard_is_a_switch_that_changes_the_training(method):

    def trained(**more):
        trainer = trainer_of(smallest(method, steps=12, **more))
        next_losses(trainer)
        return torch.cat([weight.detach().flatten() for weight in trainer.method.backbone.parameters()])

    guards = [knob.key for knob in knobs_for(method=method) if knob.without]
    on = trained() if guards else None
    for guard in guards:
        assert not torch.equal(on, trained(**{guard: False})), guard


@pytest.mark.parametrize("method", CATALOG)
def test_a_line_that_is_called_the_best_loss_is_the_least_one_there_is(method):
    """Whatever safeguard is off, so that the hint beside the curve is right: below the line, or towards it."""
    off = [{}, *({knob.key: False} for knob in knobs_for(method=method) if knob.without)]
    for config in (smallest(method, steps=12, **each) for each in off):
        least = CATALOG[method].loss_bounds(config)[0]
        lines = [line for line in CATALOG[method].references(config) if line.metric == "loss"]
        assert all(line.best == (line.value <= least) for line in lines), config.method


@pytest.mark.slow
@pytest.mark.parametrize("method", CATALOG)
def test_reference_lines_are_the_losses_of_constant_outputs(method, monkeypatch):
    """Where the method says what the loss is when all outputs are equal, it is: at once, or when the heads have adapted to it."""
    config = smallest(method, steps=200)
    lines = [line for line in CATALOG[method].references(config) if line.metric == "loss" and "all outputs equal" in line.meaning]
    for line in lines:
        trainer = trainer_of(config)
        constant, width = torch.nn.Parameter(torch.ones(1)), trainer.method.backbone.width
        same = lambda self, images, w=width, c=constant: c.expand(len(images), w)  # noqa: E731
        monkeypatch.setattr(type(trainer.method.backbone), "forward", same)
        for trainer.step in range(1, 60):
            trainer.method.before_step(trainer.step, trainer.images.pixels, seeded_generator(0, "rounds", trainer.step))
            loss = float(trainer.learn([trainer.batch(1)])["loss"])
        assert loss == pytest.approx(line.value, abs=2e-2 * max(1, abs(line.value)))


PAINTERS = {"masked", "hybrid", "generative"}


@pytest.mark.parametrize("name", CATALOG)
def test_a_method_whose_neighbors_learn_little_says_what_it_is_meant_for(name):
    """Those that compare views, clusters or whole images beat random weights on photographs within minutes; the others say so."""
    method = CATALOG[name]
    expected = method.family in PAINTERS or name in ("jigsaw", "relative-location", "colorization", "inpainting", "multitask")
    assert bool(method.meant_for) is expected
    assert not expected or re.match(r"Meant (for|to) (?=.*k-NN accuracy)(?=.*photographs).*random weights\.$", method.meant_for)


def test_safeguards_that_are_off_are_named_and_those_left_on_are_not():
    knobs = knobs_of(CATALOG["dino"].Knobs, "method.")
    guards = [each.key for each in knobs if each.without]
    assert len(guards) > 1 and safeguards_off(knobs, RunConfig(method="dino").flat()) == []
    for guard in guards:
        assert [each.key for each in safeguards_off(knobs, RunConfig(**{"method": "dino", guard: False}).flat())] == [guard]


@pytest.mark.parametrize("page", ["collapse", "masking"])
def test_each_page_that_begins_with_a_method_has_one(page):
    assert [name for name, each in CATALOG.items() if each.introduces == page] == [introducing(page)]
