"""The Masking page without a browser: its controls, its link, its sentences, and the way to training."""

import dataclasses
import time

import pytest
import torch

from playground import RunConfig
from playground.events import Change
from playground.ui import page_state
from playground.ui.masking_state import MaskingState, called, masked_runs
from playground.ui.settings import read as read_settings
from playground.views.masking import Mask
from playground.web.masks import bits_of
from support import opening
from support.opening import by_key, rendered, sentences
from support.pools import pool_of_pages
from support.trainings import tiny_config, trained

pytestmark = pytest.mark.slow  # over runs that are trained first

HALF = bits_of(torch.arange(64) < 32)


@pytest.fixture(scope="module")
def pool(tmp_path_factory):
    with pool_of_pages(tmp_path_factory.mktemp("masking")) as pool:
        yield pool


@pytest.fixture(scope="module")
def runs(pool):
    """Two MAEs that fit together, one of other patches, and a run that fills nothing in."""
    masks = {"masking.ratio": 0.5, "masking.strategy": "block"}
    kinds = {"plain": {}, "blocks": masks, "coarse": {"network.patch_size": 8}}
    found = {name: trained(pool.store, tiny_config(method="mae", network="vit-tiny", steps=2, **more)) for name, more in kinds.items()}
    return found | {"simclr": pool.store.create(tiny_config())}


def opened(data="", **query):
    """data: that of the settings; all else is about masks."""
    given = {f"mask.{key}": value for key, value in query.items()} | ({"data": data} if data else {})
    return opening.opened("masking.py", **given)


def address(page):
    return {key.removeprefix("mask."): value for key, value in opening.address(page).items() if key.startswith("mask.")}


def test_without_a_run_it_shows_what_is_hidden_and_how_to_get_one(pool):
    """The first test here: nothing has been trained yet."""
    page = opened()
    assert by_key(page, "selectbox", "mask.run").value == ""
    assert any("No run here can reconstruct hidden patches yet" in each.value for each in page.caption)
    assert address(page) == {"image": "0", "strategy": "random", "ratio": "0.75", "patch_size": "4", "seed": "0"}
    by_key(page, "selectbox", "mask.patch_size").select(8)
    by_key(page, "slider", "mask.ratio").set_value(0.4)
    rendered(page)
    assert (address(page)["patch_size"], address(page)["ratio"]) == ("8", "0.4")
    by_key(page, "button", "another").click()
    assert address(rendered(page))["seed"] == "1"


def test_attention_without_a_run_is_that_of_a_fresh_network_and_said_so(pool):
    page = opened(strategy="attention")
    assert any("attention of a fresh network" in each.value for each in page.caption)


def test_patches_that_do_not_tile_the_image_give_way_with_a_sentence(pool):
    page = opened(patch_size="5")
    assert sentences(page) == ["patch_size must be one of 2, 4, 8, 16 for images of 32 px, got 5"]


def test_the_newest_run_that_fills_in_comes_first_with_its_own_masking(runs):
    page = opened()
    listed = by_key(page, "selectbox", "mask.run").options
    assert [each.split()[0] for each in listed] == ["None:", "MAE", "MAE", "MAE"]
    assert address(page)["run"] == runs["coarse"] and address(page)["patch_size"] == "8"
    by_key(page, "selectbox", "mask.run").select(runs["blocks"])
    rendered(page)
    assert (address(page)["run"], address(page)["strategy"], address(page)["ratio"]) == (runs["blocks"], "block", "0.5")


def test_a_link_opens_the_same_look(runs):
    link = {"run": runs["plain"], "other": runs["blocks"], "image": "7", "strategy": "grid", "ratio": "0.3", "seed": "5", "drawn": HALF}
    page = opened(**link)
    assert address(page) == link | {"patch_size": "4"} and sentences(page) == []
    by_key(page, "slider", "mask.ratio").set_value(0.6)
    assert "drawn" not in address(rendered(page))


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"run": "nowhere1"}, "there is no run nowhere1"),
        ({"run": "simclr"}, "must be of a method that fills in, got simclr: it hides no patches"),
        ({"ratio": "1.5"}, "ratio must be from 0.05 to 0.95, got 1.5"),
        ({"strategy": "<b>x</b>"}, "strategy must be one of random, block, grid, attention, got <b>x</b>"),
        ({"seed": "-4"}, "seed must be"),
        ({"image": "9999"}, "image must be below 256, the number of images, got 9999"),
        ({"image": "two"}, "image must be a whole number from 0, got two"),
        ({"drawn": "ff"}, "hidden must be 16 hexadecimal digits, the bits of 64 patches, got ff"),
        ({"drawn": "f" * 16}, "a mask must leave at least 1 of 64 patches visible, got 0"),
        ({"color": "red"}, "there is no setting mask.color"),
    ],
)
def test_a_link_that_cannot_be_has_its_sentence_and_nothing_else_is_lost(runs, query, sentence):
    given = {"run": runs["plain"], "seed": "3"} | {key: runs.get(value, value) for key, value in query.items()}
    page = opened(**given)
    assert any(sentence in each for each in sentences(page)), sentences(page)
    [key] = query
    assert address(page)[key] == given[key]
    assert key == "seed" or address(page)["seed"] == "3"


def test_a_run_that_fills_nothing_in_is_explained(runs):
    page = opening.opened("masking.py", run=runs["simclr"])
    assert any("It is of SimCLR: it hides no patches." in each.value for each in page.caption)


def test_two_runs_of_other_patches_are_not_shown_side_by_side(runs):
    page = opened(run=runs["plain"], other=runs["coarse"])
    assert any(
        "must have images and patches of one size, got 32 px in patches of 4 and 32 px in patches of 8" in each for each in sentences(page)
    )


def test_training_takes_the_masking_over_and_a_method_that_masks(runs):
    page = opened(run=runs["coarse"], strategy="grid", ratio="0.35")
    by_key(page, "button", "train").click()
    rendered(page)
    flat = page.session_state["settings"].flat
    assert (flat["method"], flat["masking.strategy"], flat["masking.ratio"], flat["network.patch_size"]) == ("mae", "grid", 0.35, 8)
    assert by_key(page, "selectbox", "masking.strategy").value == "grid"


def test_a_masked_method_of_the_settings_stays(runs):
    page = opened(run=runs["plain"])
    page.session_state["settings"].flat = RunConfig(method="beit").flat()
    by_key(page, "button", "train").click()
    rendered(page)
    flat = page.session_state["settings"].flat
    assert flat["method"] == "beit" and flat["masking.ratio"] == 0.75


def test_a_drawing_that_comes_late_does_not_bring_an_old_mask_back():
    now = MaskingState(seed=1)
    now.report({"image": 4, "drawn": HALF, "origin": MaskingState(seed=0).origin})
    assert (now.image, now.drawn) == (4, "")
    now.report({"image": 4, "drawn": HALF, "origin": now.origin})
    assert now.drawn == HALF


def test_masks_in_an_address_are_not_settings_of_a_run():
    assert read_settings({"mask.ratio": "0.3", "seed": "4"}).flat == RunConfig(seed=4).flat()
    assert read_settings({"mask.ratio": "0.3"}).problems == {}


def test_a_look_reads_what_it_wrote(runs):
    seen = MaskingState(run=runs["plain"], image=3, ratio=0.4, seed=9, drawn=HALF)
    assert MaskingState.read(seen.address()) == seen
    assert Mask.of(torch.arange(64)[None] < 32).seen == 32


def test_a_browser_that_lags_behind_does_not_bring_an_old_seed_back(monkeypatch):
    now = MaskingState(seed=4, drawn="ff")

    def reported(seed):
        monkeypatch.setattr(page_state.st, "session_state", {"mask.seed": seed})
        page_state._moved(now, "seed")
        return now.seed

    now.another()
    assert (now.seed, now.drawn) == (5, "")
    assert (reported(4), reported(9)) == (5, 9)
    now.another()
    assert reported(9) == 10
    later = time.monotonic() + 60
    monkeypatch.setattr(page_state.time, "monotonic", lambda: later)
    assert reported(9) == 9


def test_the_name_of_a_run_in_the_selector_stays_while_it_trains(pool, runs):
    run = pool.store.run(masked_runs()[0].id)
    assert called(run) == called(dataclasses.replace(run, step=run.step + 1, status="running"))


def test_masks_begin_with_the_ratio_that_the_run_had_last(pool, runs):
    run = masked_runs()[0].id
    seen = MaskingState(run=run)
    seen.as_trained()
    before, moved = seen.ratio, 0.6
    pool.store.write(run, Change(2, "masking.ratio", moved))
    seen.as_trained()
    assert (before != moved, seen.ratio) == (True, moved)


def test_a_run_of_another_data_set_is_not_chosen_for_a_link_that_names_one(pool, runs):
    assert {each.flat["data"] for each in masked_runs()} == {"shapes"}
    assert opened(data="cifar10").session_state[MaskingState.session_key()].run is None
    assert opened().session_state[MaskingState.session_key()].run is not None


def test_a_run_whose_files_are_gone_is_said_in_a_sentence(pool, runs):
    page = opened()
    run = page.session_state[MaskingState.session_key()].run
    kept = pool.store.folder(run).path / "checkpoints"
    aside = kept.rename(kept.with_name("aside"))
    try:
        by_key(page, "button", "another").click()
        rendered(page)
        assert any(f"run {run} must have a checkpoint" in each.value for each in page.error)
    finally:
        aside.rename(kept)
