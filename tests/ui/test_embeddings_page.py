"""The Embeddings page without a browser: which runs, what the address says, and what cannot be shown."""

import dataclasses

import numpy as np
import pytest

from playground import RunConfig
from playground.events import Snapshot
from playground.ui.embeddings_state import EmbeddingsState
from playground.ui.run_names import called
from playground.ui.settings import read as read_settings
from support import opening
from support.opening import address, by_key, rendered, sentences
from support.pools import pool_of_pages
from support.trainings import tiny_config


@pytest.fixture(scope="module")
def pool(tmp_path_factory):
    with pool_of_pages(tmp_path_factory.mktemp("maps")) as pool:
        yield pool


@pytest.fixture(scope="module")
def runs(pool):
    """One with something to show, then one that failed before it measured anything."""
    found = {"trained": pool.store.create(tiny_config(steps=2)), "failed": pool.store.create(tiny_config(method="byol"))}
    pool.store.write(found["trained"], Snapshot(2, {"embedding": np.eye(20, dtype=np.float32)}))
    pool.store.mark(found["failed"], "failed", "no room on the disk")
    return found


def opened(**query):
    return opening.opened("embeddings.py", **{f"map.{key}": value for key, value in query.items()})


def looked(page):
    return {key.removeprefix("map."): value for key, value in address(page).items() if key.startswith("map.")}


@pytest.mark.slow
def test_without_any_run_it_says_what_will_be_here_and_leads_to_training(pool):
    """The first test here: nothing has been trained yet."""
    page = opened()
    assert [each.value for each in page.subheader] == ["Nothing has been trained here yet"]
    assert not page.selectbox and looked(page) == {}
    by_key(page, "button", "first").click()
    assert by_key(rendered(page), "button", "start")


@pytest.mark.slow
def test_the_newest_run_with_something_to_show_comes_first(runs):
    page = opened()
    assert by_key(page, "selectbox", "map.run").value == runs["trained"]
    assert looked(page) == {"run": runs["trained"]}
    assert len(by_key(page, "selectbox", "map.run").options) == 2


@pytest.mark.slow
def test_the_run_of_the_train_page_comes_before_it(runs):
    assert looked(opening.opened("embeddings.py", run=runs["failed"])) == {"run": runs["failed"]}


@pytest.mark.slow
def test_a_second_run_stands_beside_the_first_and_never_the_same_twice(runs):
    page = opened(run=runs["trained"])
    by_key(page, "selectbox", "map.other").select(runs["failed"])
    assert looked(rendered(page)) == {"run": runs["trained"], "other": runs["failed"]}
    by_key(page, "selectbox", "map.run").select(runs["failed"])
    assert looked(rendered(page)) == {"run": runs["failed"]}


@pytest.mark.slow
def test_a_link_opens_the_same_look(runs):
    usual = {"layer": "projector", "kind": "pca3", "points": "2000", "color": "cluster"}
    link = usual | {"run": runs["trained"], "clusters": "5", "step": "1", "image": "7"}
    page = opened(**link)
    assert looked(page) == link and sentences(page) == []
    look = EmbeddingsState(run=runs["trained"], clusters=5, step=1, image=7, **usual)
    assert EmbeddingsState.read(look.address()) == look


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"run": "nowhere1"}, "there is no run nowhere1"),
        ({"other": "nowhere1"}, "there is no run nowhere1"),
        ({"kind": "<b>map</b>"}, "kind must be one of umap, pca, pca3, tsne, sphere, got <b>map</b>"),
        ({"layer": "head"}, "layer must be one of backbone, projector, got head"),
        ({"points": "3"}, "points must be one of probe, 2000, 5000, 10000, 20000, 50000, got 3"),
        ({"clusters": "1"}, "clusters must be a whole number from 2 to 50, got 1"),
        ({"step": "-2"}, "step must be a whole number from 0, got -2"),
        ({"image": "x"}, "image must be a whole number from 0, got x"),
        ({"zoom": "2"}, "there is no setting map.zoom"),
    ],
)
def test_a_link_that_cannot_be_has_its_sentence_and_nothing_else_is_lost(runs, query, sentence):
    given = {"run": runs["trained"], "layer": "projector"} | query
    look = EmbeddingsState.read({f"map.{key}": value for key, value in given.items()})
    assert [each.sentence for each in look.problems.values()] == [sentence]
    assert look.address() == {f"map.{key}": value for key, value in given.items()}


@pytest.mark.slow
def test_a_run_that_is_not_there_is_said_on_the_page_and_stays_in_the_address(runs):
    page = opened(run="nowhere1", kind="<b>map</b>")
    assert sentences(page.main) == ["kind must be one of umap, pca, pca3, tsne, sphere, got <b>map</b>"]
    assert sentences(page.sidebar) == ["there is no run nowhere1"], "beside the selector"
    assert looked(page) == {"run": "nowhere1", "kind": "<b>map</b>"} and not page.subheader


@pytest.mark.slow
def test_a_run_that_is_deleted_while_it_is_looked_at_leaves_the_page_standing(pool, runs):
    gone = pool.store.create(tiny_config(steps=2))
    page = opened(run=gone)
    before = by_key(page, "selectbox", "map.run").options
    with pool.store._transaction(gone) as db:
        db.execute("DELETE FROM runs WHERE id = ?", (gone,))
    assert not rendered(page).exception
    assert by_key(page, "selectbox", "map.run").value == gone
    after = by_key(page, "selectbox", "map.run").options
    assert next(each for each in after if gone in each) in before  # by the name that the browser knows
    by_key(page, "selectbox", "map.run").select(runs["trained"])
    assert looked(rendered(page)) == {"run": runs["trained"]}


def test_what_the_panel_reports_goes_into_the_address_and_never_changes_the_runs(runs):
    now = EmbeddingsState(run=runs["trained"])
    now.report({"layer": "projector", "kind": "pca", "color": "shape", "step": 2, "image": None, "run": "other"})
    assert now == EmbeddingsState(run=runs["trained"], layer="projector", kind="pca", color="shape", step=2)
    assert set(now.address()) == {"map.run", "map.layer", "map.kind", "map.color", "map.step"}


def test_the_name_of_a_run_stays_while_it_trains_and_unknown_methods_have_one(pool, runs):
    run = pool.store.run(runs["trained"])
    assert called(run) == called(dataclasses.replace(run, step=run.step + 1, status="running")) == f"SimCLR {run.id} · Shapes · 2 steps"
    assert called(dataclasses.replace(run, flat={"method": "of-tomorrow", "data": "shapes", "steps": 9})).startswith("of-tomorrow")


def test_what_is_looked_at_is_no_setting_of_a_run():
    assert read_settings({"map.kind": "pca", "seed": "4"}).flat == RunConfig(seed=4).flat()
