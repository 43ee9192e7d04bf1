"""What the controls stand for: the address bar and back, refused values, and what follows a change of method."""

import base64
import re

import pytest

from playground.config import CHOICES, RunConfig, knobs_for
from playground.knobs import Knob
from playground.schedules import Schedule
from playground.ui.controls import negatives
from playground.ui.knob_widgets import plain, slider_step, stops
from playground.ui.schedules import WIDTH, picture
from playground.ui.settings import Settings, foreign, read, switched

METHODS = sorted(CHOICES["method"])


def test_an_empty_address_gives_the_defaults():
    assert read({}).config() == (RunConfig(), {})


@pytest.mark.parametrize("method", METHODS)
def test_the_address_of_every_method_leads_back_to_its_config(method):
    now = read({"method": method, "seed": "7"})
    again = read(now.address("abc"))
    assert again.config()[0] == RunConfig(method=method, seed=7)
    assert now.address("abc")["run"] == "abc"


def test_every_refused_value_gets_a_sentence_and_stays_in_the_address():
    now = read({"steps": "abc", "method.temperature": "-1", "seed": "3"})
    config, sentences = now.config()
    assert config is None
    assert sentences == {
        "steps": "steps must be a whole number from 1 to 1000000, got abc",
        "method.temperature": "simclr: temperature must be from 0.01 to 2, got -1",
    }
    assert now.flat["seed"] == 3
    assert now.flat["steps"] == RunConfig().steps
    assert now.address(None)["steps"] == "abc"


def test_an_unknown_name_is_named():
    config, sentences = read({"method.temprature": "0.1"}).config()
    assert config is None
    assert "did you mean temperature?" in sentences["method.temprature"]


def test_slips_of_the_pen_are_refused_and_foreign_words_are_not():
    slips = {"batchsize": "3", "sed": "3", "temperature": "0.1", "augment.hu": "0", "schedule.x": "linear 1", "show.image": "3", "run": "a"}
    marks = {"fbclid": "x", "utm_campaign": "seed", "msclkid": "1", "igshid": "1", "mode": "dark", "lang": "de", "page": "2", "a.b": "c"}
    assert foreign(slips | marks) == tuple(marks)
    assert read(marks).config() == (RunConfig(), {})


def test_an_unknown_method_is_named_and_the_rest_is_kept():
    now = read({"method": "simclear", "method.momentum": "0.9", "batch_size": "64"})
    assert now.flat["method"] == RunConfig().method.name
    assert now.flat["batch_size"] == 64
    assert "simclear" in now.problems["method"].sentence
    assert now.problems.keys() == {"method"} and now.ignored == ("method.momentum",)  # the page names what it could not use


def test_a_network_that_the_method_cannot_train_is_refused_with_a_sentence():
    now = read({"method": "mae", "network": "resnet-tiny"})
    assert "must be one of" in now.problems["network"].sentence
    assert now.flat["network"] == RunConfig(method="mae").network.name


def test_a_run_fills_in_what_its_link_leaves_out():
    run = RunConfig(method="vicreg", seed=5).flat()
    assert read({"run": "abc"}, run).flat == run


def test_a_link_counts_more_than_its_run_unless_the_run_still_moves():
    run = RunConfig(**{"method.temperature": 0.5, "seed": 5}).flat()
    link = {"method.temperature": "0.2", "seed": "6"}
    assert read(link, run).flat["method.temperature"] == 0.2
    moving = read(link, run, live=("method.temperature",)).flat
    assert (moving["method.temperature"], moving["seed"]) == (0.5, 6)


def test_a_run_of_another_method_does_not_lend_its_knobs():
    now = read({"method": "byol"}, RunConfig(**{"method.temperature": 0.5}).flat(), live=("method.temperature",))
    assert now.problems == {}
    assert now.flat == RunConfig(method="byol").flat()


def test_knobs_that_followed_a_suggestion_follow_the_next_and_what_was_set_stays():
    before = read({"augment.hue": "0.3", "batch_size": "32"}).flat
    after = switched(before, "method", "mae").flat
    suggested = RunConfig(method="mae").flat()
    assert after == suggested | {"augment.hue": 0.3, "batch_size": 32}
    assert switched(after, "method", "simclr").flat == before


def test_an_unsuitable_network_is_replaced_and_the_page_says_so():
    after = switched(read({"network": "resnet-tiny"}).flat, "method", "mae")
    assert after.flat["network"] == RunConfig(method="mae").network.name
    assert "cannot train ResNet tiny" in after.notes["network"]


def test_a_data_set_that_suggests_another_network_is_named_for_it():
    after = switched(read({}).flat, "data", "imagenette")
    assert after.notes == {"network": "Imagenette suggests ResNet small (it was ResNet tiny)."}


def test_a_suitable_network_that_was_chosen_stays():
    after = switched(read({"network": "resnet-tiny"}).flat, "method", "byol")
    assert after.flat["network"] == "resnet-tiny"
    assert after.notes == {}


def test_a_value_that_cannot_be_gives_way_with_a_note():
    before = read({}).flat | {"batch_size": -1}
    after = switched(before, "method", "vicreg")
    assert after.flat["batch_size"] == RunConfig(method="vicreg").batch_size
    assert "got -1" in after.notes["batch_size"]


@pytest.mark.parametrize("method", METHODS)
def test_every_slider_can_stand_on_its_default_and_both_ends(method):
    for each in knobs_for(method=method):
        if each.kind != "number":
            continue
        if each.log:
            assert {each.low, each.default, each.high} <= set(stops(each, each.default))
        elif each.default >= slider_step(each):
            places = (each.default - each.low) / slider_step(each)
            assert places == pytest.approx(round(places))


def test_a_logarithmic_slider_keeps_an_odd_value():
    each = Knob("optimizer.learning_rate", "number", 3e-3, "", 1e-6, 10, log=True)
    assert 0.00123 in stops(each, 0.00123)
    assert stops(each, 3e-3) == sorted(set(stops(each, 3e-3)))


def test_a_slider_has_about_a_hundred_round_steps():
    assert slider_step(Knob("k", "number", 0.5, "", 0, 1)) == 0.01
    assert slider_step(Knob("k", "number", 0.1, "", 0, 0.5)) == 0.005
    assert slider_step(Knob("k", "number", 25, "", 0, 100)) == 1


def test_what_somebody_typed_into_an_address_is_never_markup():
    assert plain("got [x](http://a) `b <i> $y$") == r"got \[x\](http://a) \`b \<i\> \$y\$"
    assert plain("*`[x](http://a)`*") == r"\*`[x](http://a)`\*"  # code, and no link


def test_a_command_in_a_sentence_is_code_and_shows_no_backticks():
    assert plain("those that `ssl-playground data list` names, got *x*") == r"those that `ssl-playground data list` names, got \*x\*"


def test_every_value_that_cannot_be_gets_its_sentence():
    flat = RunConfig().flat() | {"steps": 0, "batch_size": 999_999_999, "seed": -5}
    config, sentences = Settings(flat).config()
    assert config is None
    assert set(sentences) == {"steps", "batch_size", "seed"}
    assert sentences["seed"] == "seed must be a whole number from 0 to 2147483647, got -5"


def test_schedules_survive_the_address_and_leave_with_their_method():
    now = read({"schedule.method.temperature": "cosine 0.05", "schedule.augment.hue": "linear 0.1"})
    assert now.config()[0] == RunConfig(schedule={"method.temperature": "cosine 0.05", "augment.hue": "linear 0.1"})
    assert read(now.address(None)).flat == now.flat
    after = switched(now.flat, "method", "vicreg").flat
    assert "schedule.method.temperature" not in after and after["schedule.augment.hue"] == "linear 0.1"


def test_a_schedule_that_cannot_be_gets_its_sentence_and_stays_in_the_address():
    now = read({"schedule.method.temperature": "up"})
    assert "linear or cosine" in now.config()[1]["schedule.method.temperature"]
    assert now.address(None)["schedule.method.temperature"] == "up"


def test_a_hand_on_a_running_knob_ended_its_schedule_for_old_links_too():
    run = RunConfig(**{"method.temperature": 0.9}).flat()
    link = {"method.temperature": "0.2", "schedule.method.temperature": "linear 0.1"}
    moving = read(link, run, live=("method.temperature",)).flat
    assert moving["method.temperature"] == 0.9 and "schedule.method.temperature" not in moving


def test_the_page_says_how_many_negatives_count():
    assert negatives(RunConfig(batch_size=64)) == "Each view is compared with 126 negatives."
    assert "Accumulation adds none: each of its 4 batches stands alone." in negatives(RunConfig(accumulation=4))
    assert negatives(RunConfig(method="byol")) == "" == negatives(None)


def test_the_picture_of_a_schedule_starts_and_ends_where_it_says():
    shown = picture(Schedule("linear", 1.0), 0.5, 300, "hue")
    svg = base64.b64decode(re.search(r"base64,([^\"]+)", shown).group(1)).decode()
    places = [tuple(map(float, place.split(","))) for place in re.search(r'points="([^"]+)"', svg).group(1).split()]
    assert places[0][0] == 0 and places[-1][0] == WIDTH
    assert places[0][1] > places[len(places) // 2][1] > places[-1][1]  # up the page
    assert "0.5 at step 1" in shown and "1 at step 300" in shown


@pytest.mark.parametrize(
    ("method", "data", "sentence"),
    [
        ("colorization", "fashion-mnist", "colorization: data must have colors, got fashion-mnist, which is gray"),
        ("supervised", "stl10-unlabeled", "supervised: data must have labels, got stl10-unlabeled, which has none"),
    ],
)
def test_a_method_and_data_that_never_go_together_are_refused_beside_the_data_and_nothing_is_lost(method, data, sentence):
    for section, name, before in (("data", data, {"method": method}), ("method", method, {"data": data})):
        now = switched(RunConfig(seed=5, **before).flat(), section, name)
        assert (now.flat["method"], now.flat["data"], now.flat["seed"]) == (method, data, 5)
        assert now.config() == (None, {"data": sentence})
        assert switched(now.flat, "data", "cifar10").config()[0] == RunConfig(method=method, data="cifar10", seed=5)
