"""The Train page without a browser: its controls, its sentences, its address, and Start with a real worker."""

import time
from urllib.parse import urlencode

import pytest

from playground.config import CHOICES, RunConfig
from playground.events import Checkpoint, Finished, Metrics, SetKnob, Started, Verdict
from playground.runs.store import Store
from playground.ui import controls
from support.opening import address, by_key, opened, rendered, sentences
from support.pools import pool_of_pages


@pytest.fixture(scope="module")
def pool(tmp_path_factory):
    """One pool for the tests that need one: its worker takes a while to warm up."""
    with pool_of_pages(tmp_path_factory.mktemp("pool"), workers=True) as pool:
        yield pool


@pytest.mark.slow
def test_the_page_opens_with_every_knob_of_the_config(home):
    page = opened()
    kinds = ("selectbox", "slider", "select_slider", "number_input", "toggle")
    keys = {each.key for kind in kinds for each in getattr(page, kind)}
    assert keys == set(RunConfig().flat())
    assert {each.key for each in page.button} == {"start", "pause", "step", "stop"}
    assert not by_key(page, "button", "start").disabled
    assert by_key(page, "button", "pause").disabled


@pytest.mark.slow
def test_the_address_holds_the_whole_config(home):
    page = opened(seed="11")
    assert RunConfig.from_query(urlencode(address(page))) == RunConfig(seed=11)
    by_key(page, "number_input", "steps").set_value(40)
    rendered(page)
    assert RunConfig.from_query(urlencode(address(page))) == RunConfig(seed=11, steps=40)


@pytest.mark.slow
@pytest.mark.parametrize("method", sorted(CHOICES["method"]))
def test_every_method_has_a_page(home, method):
    page = opened()
    by_key(page, "selectbox", "method").select(method)
    rendered(page)
    assert RunConfig.from_query(urlencode(address(page))) == RunConfig(method=method)


@pytest.mark.slow
def test_an_unsuitable_network_is_replaced_and_said_so(home):
    page = opened(network="resnet-tiny")
    by_key(page, "selectbox", "method").select("mae")
    rendered(page)
    assert by_key(page, "selectbox", "network").value == "vit-tiny"
    assert any("MAE cannot train ResNet tiny" in each.value for each in page.caption)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"method.temperature": "-1"}, "simclr: temperature must be from 0.01 to 2, got -1"),
        ({"steps": "many"}, "steps must be a whole number from 1 to 1000000, got many"),
        ({"method": "simclear"}, "method must be one of"),
        ({"batchsize": "3"}, "there is no setting batchsize (did you mean batch_size?)"),
        ({"augment.hue": "nan"}, "augment: hue must be from 0 to 0.5, got nan"),
    ],
)
def test_a_value_that_cannot_be_is_refused_beside_its_control_and_nothing_is_lost(home, query, sentence):
    page = opened(seed="4", **query)
    assert any(each.startswith(sentence) for each in sentences(page))
    assert by_key(page, "button", "start").disabled
    assert by_key(page, "number_input", "seed").value == 4
    [(key, value)] = query.items()
    assert address(page)[key] == value
    by_key(page, "button", f"accept {key}").click()
    rendered(page)
    assert sentences(page) == []
    assert not by_key(page, "button", "start").disabled


MARKS = {
    "fbclid": "IwAR0x_y-z",
    "utm_source": "mail",
    "utm_medium": "<b>",
    "gclid": "1",
    "_ga": "2.1",
    "ref": "a.b/c",
    "mc_cid": "",
    "trk.id": "7",
}


@pytest.mark.slow
@pytest.mark.parametrize("file", ["train.py", "collapse.py", "data.py"])
def test_what_other_sites_add_to_a_link_is_ignored_and_said_once(home, file, monkeypatch):
    page = opened(file, seed="4", **MARKS)
    said = ":material/link: Ignored in the link: fbclid, utm_source, utm_medium, gclid and 4 more."
    told = lambda: [each.value.replace("\\", "") for each in page.caption if "Ignored" in each.value]  # noqa: E731
    assert told() == [said] and not page.toast  # nothing is covered
    assert sentences(page) == [] and not page.warning
    if file != "data.py":
        assert not by_key(page, "button", "start").disabled
    assert address(page).keys().isdisjoint(MARKS) and address(page)["seed"] == "4"
    assert rendered(page) and told() == [said], "a rerun takes it from nobody who still reads it"
    now = time.monotonic()
    monkeypatch.setattr(controls.time, "monotonic", lambda: now + controls.LEGIBLE)
    assert rendered(page) and told() == []


@pytest.mark.slow
def test_a_mark_alone_does_not_hide_what_the_collapse_page_shows_first(home):
    bare, marked = (address(opened("collapse.py", **query)) for query in ({}, {"fbclid": "x"}))
    assert marked == bare and marked["method"] != RunConfig().method.name


@pytest.mark.slow
def test_a_number_out_of_range_is_refused_in_a_sentence_until_a_better_one_comes(home):
    page = opened()
    by_key(page, "number_input", "batch_size").set_value(100_000)
    rendered(page)
    assert any("batch_size must be" in each and "got 100000" in each for each in sentences(page))
    assert by_key(page, "button", "start").disabled
    by_key(page, "number_input", "batch_size").set_value(64)
    rendered(page)
    assert sentences(page) == []
    assert not by_key(page, "button", "start").disabled


@pytest.mark.slow
def test_a_safeguard_says_what_happens_without_it(home):
    page = opened()
    by_key(page, "toggle", "method.negatives").set_value(False)
    rendered(page)
    assert any("expect complete collapse" in each.value for each in page.caption)


@pytest.mark.slow
def test_start_trains_a_run_that_the_address_finds_again(pool):
    page = opened(network="resnet-tiny", batch_size="32", steps="3")
    by_key(page, "button", "start").click()
    rendered(page)
    run = address(page)["run"]
    deadline = time.monotonic() + 120
    while not pool.store.run(run).over:
        assert time.monotonic() < deadline, pool.store.run(run)
        time.sleep(0.2)
    assert pool.store.run(run).status == "finished", pool.store.run(run).message
    found = opened(run=run)
    assert by_key(found, "number_input", "steps").value == 3
    assert address(found)["run"] == run


@pytest.mark.slow
def test_a_run_that_is_not_here_leaves_the_settings_of_its_link(pool):
    page = opened(run="nowhere1", seed="9")
    assert by_key(page, "number_input", "seed").value == 9
    assert by_key(page, "button", "stop").disabled
    assert not by_key(page, "button", "start").disabled


@pytest.mark.slow
def test_a_schedule_is_made_drawn_and_kept_in_the_address(home):
    page = opened()
    by_key(page, "multiselect", "scheduled").set_value(["method.temperature"])
    rendered(page)
    assert address(page)["schedule.method.temperature"] == "linear 0.2"
    by_key(page, "select_slider", "end method.temperature").set_value(0.05)
    by_key(page, "selectbox", "shape method.temperature").set_value("cosine")
    rendered(page)
    assert address(page)["schedule.method.temperature"] == "cosine 0.05"
    assert not by_key(page, "button", "start").disabled
    by_key(page, "multiselect", "scheduled").set_value([])
    rendered(page)
    assert not [key for key in address(page) if key.startswith("schedule.")]


def diverged(home):
    """A run of this home that failed at learning rate 10, with a checkpoint of step 20."""
    store = Store(home)
    run = store.create(RunConfig(**{"steps": 100, "optimizer.learning_rate": 10}))
    store.write_many(run, [Started(0, {"steps": 100}), *[Metrics(step, {"loss": 1.0}) for step in range(1, 30)]])
    store.write_many(
        run, [Checkpoint(10, {}), Checkpoint(20, {}), Verdict(30, "divergence", "It diverged.", {}), Finished(30, "failed", "why")]
    )
    store.close()
    return run


@pytest.mark.slow
def test_resume_takes_the_moved_live_knobs_and_a_way_back_is_offered(home):
    run = diverged(home)
    with pool_of_pages(home) as pool:
        page = opened(run=run)
        assert by_key(page, "button", "way back").label == "Go on from step 20 with learning rate 0.003"
        by_key(page, "select_slider", "optimizer.learning_rate").set_value(0.1)
        rendered(page)
        assert by_key(page, "button", "way back").label == "Go on from step 20 with learning rate 0.1"
        assert any("Resume goes on from step 20 with learning rate 0.1" in each.value for each in page.caption)
        spoiled = home / "runs" / run / "checkpoints" / "0000010.pt"
        spoiled.write_bytes(spoiled.read_bytes()[:-100])
        rendered(page)
        assert any("The checkpoint of step 10 is damaged" in each.value for each in page.warning)
        by_key(page, "button", "pause").click()
        rendered(page)
        assert pool.store.run(run).status == "queued"
        assert pool.store.begin(run)[1] == [SetKnob("optimizer.learning_rate", 0.1)]
