"""The Evaluation page without a browser: its controls, its link, its sentences."""

import pytest

from playground import RunConfig
from playground.evaluation import Protocol
from playground.events import Metrics
from playground.ui.evaluation import minutes, seconds
from playground.ui.evaluation_state import EvaluationState
from playground.ui.settings import read as read_settings
from support import opening
from support.opening import by_key, rendered, sentences
from support.pools import pool_of_pages
from support.trainings import tiny_config, trained


@pytest.fixture(scope="module")
def pool(tmp_path_factory):
    with pool_of_pages(tmp_path_factory.mktemp("evaluation-page")) as pool:
        yield pool


@pytest.fixture(scope="module")
def run(pool):
    return trained(pool.store, tiny_config(steps=2))


@pytest.fixture
def submitted(pool, monkeypatch):
    """What Evaluate asks for; nothing is measured here."""
    asked = []
    monkeypatch.setattr(pool.evaluations, "submit", lambda *given: asked.append(given))
    return asked


def opened(**query):
    return opening.opened("evaluation.py", **{f"eval.{key}": value for key, value in query.items()})


def address(page):
    return {key.removeprefix("eval."): value for key, value in opening.address(page).items() if key.startswith("eval.")}


@pytest.mark.slow
def test_the_newest_run_is_there_and_evaluate_asks_for_what_is_ticked(run, submitted):
    page = opened()
    assert by_key(page, "selectbox", "eval.run").value == run
    assert by_key(page, "button", "stop-evaluation").disabled
    by_key(page, "checkbox", "eval.part-pixels").uncheck()
    by_key(page, "selectbox", "eval.factor").select("color")
    by_key(page, "number_input", "eval.seeds").set_value(2)
    rendered(page)
    assert address(page) == {
        "run": run,
        "parts": "linear,knn_classifier,tuned,scratch,untrained,robustness",
        "factor": "color",
        "seeds": "2",
    }
    by_key(page, "button", "evaluate").click()
    rendered(page)
    [(asked, protocol, _)] = submitted
    assert asked == run and protocol == Protocol(
        ("linear", "knn_classifier", "tuned", "scratch", "untrained", "robustness"), "color", seeds=2
    )


@pytest.mark.slow
def test_a_link_opens_the_same_evaluation(run):
    link = {"run": run, "parts": "knn,linear", "factor": "size", "shares": "0.05,1", "labels": "70", "steps": "9"}
    page = opened(**link)
    assert address(page) == link | {"parts": "knn_classifier,linear"} and sentences(page) == []
    assert by_key(page, "multiselect", "eval.shares").value == [0.05, 1.0]
    assert [each.value for each in page.checkbox][:4] == [True, True, False, False]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"run": "nowhere1"}, "there is no run nowhere1"),
        ({"seeds": "0"}, "seeds must be a whole number from 1 to 10, got 0"),
        ({"shares": "2"}, "shares must be numbers above 0 and up to 1, got 2"),
        ({"factor": "<b>taste</b>"}, "factor must be one of shape, color, size, position, rotation, background, got <b>taste</b>"),
        ({"parts": "magic"}, "got magic"),
        ({"transfer": "nothing"}, "transfer must be one of cifar10"),
        ({"color": "red"}, "there is no setting eval.color"),
    ],
)
def test_a_link_that_cannot_be_has_its_sentence_and_starts_nothing(run, query, sentence):
    page = opened(**{"labels": "70"} | query)
    assert any(sentence in each for each in sentences(page)), sentences(page)
    [key] = query
    assert address(page)[key] == query[key] and address(page)["labels"] == "70"
    assert by_key(page, "button", "evaluate").disabled


@pytest.mark.slow
def test_nothing_ticked_starts_nothing(run):
    page = opened(parts="knn")
    by_key(page, "checkbox", "eval.part-knn_classifier").uncheck()
    rendered(page)
    assert by_key(page, "button", "evaluate").disabled
    assert any("got nothing" in each.value for each in page.warning)


@pytest.mark.slow
def test_while_it_goes_on_it_can_be_stopped_and_not_started(pool, run, monkeypatch):
    stopped, jobs = [], pool.evaluations
    monkeypatch.setattr(jobs, "standing", lambda run: {"status": "running"})
    monkeypatch.setattr(jobs, "stop", stopped.append)
    page = opened()
    assert by_key(page, "button", "evaluate").disabled
    by_key(page, "button", "stop-evaluation").click()
    rendered(page)
    assert stopped == [run]


@pytest.mark.slow
def test_a_run_deleted_while_the_page_is_open_is_a_sentence(pool):
    store = pool.store
    gone = store.create(RunConfig(network="resnet-tiny"))
    page = opened(run=gone)
    with store._transaction(gone) as db:
        db.execute("DELETE FROM runs WHERE id = ?", (gone,))
    rendered(page)
    assert any(f"there is no run {gone}" in each for each in sentences(page)) and address(page)["run"] == gone


@pytest.mark.slow
def test_a_link_to_a_run_that_is_not_there_shows_no_other(run):
    page = opened(run="nowhere1")
    assert by_key(page, "selectbox", "eval.run").value == "" and by_key(page, "button", "evaluate").disabled
    assert any("there is no run nowhere1" in each for each in sentences(page))
    by_key(page, "selectbox", "eval.run").select(run)
    rendered(page)
    assert not by_key(page, "button", "evaluate").disabled


@pytest.mark.slow
def test_a_run_without_a_checkpoint_cannot_be_evaluated_and_says_why(pool):
    page = opened(run=pool.store.create(tiny_config()))
    assert by_key(page, "button", "evaluate").disabled
    assert any("No checkpoint yet" in each.value for each in page.caption)


@pytest.mark.slow
@pytest.mark.parametrize("page", ["evaluation.py", "embeddings.py"])
def test_a_run_that_was_stopped_says_at_which_step(pool, page):
    stopped = pool.store.create(tiny_config(steps=300))
    pool.store.write(stopped, Metrics(1, {"loss": 1.0}))
    query = {"eval.run": stopped, "map.run": stopped}
    assert not any("ended at step" in each.value for each in opening.opened(page, **query).caption)
    pool.store.mark(stopped, "stopped")
    assert any("ended at step 1 of 300" in each.value for each in opening.opened(page, **query).caption)


@pytest.mark.slow
def test_a_run_without_labels_says_what_can_be_measured(pool):
    store = pool.store
    bare = store.create(RunConfig(data="stl10-unlabeled", network="resnet-tiny"))
    page = opened(run=bare)
    assert any("have no labels" in each.value for each in page.caption)
    by_key(page, "selectbox", "eval.transfer").select("shapes")
    rendered(page)
    assert address(page)["parts"].endswith(",transfer") and address(page)["transfer"] == "shapes"


@pytest.mark.slow
def test_without_a_run_it_says_how_to_get_one(run, monkeypatch):
    monkeypatch.setattr("playground.ui.evaluation_state.runs", list)
    page = opened()
    assert any("nothing to evaluate yet" in each.value for each in page.caption)
    assert by_key(page, "button", "evaluate").disabled


def test_its_keys_are_no_settings_of_a_run(run):
    assert read_settings({"eval.seeds": "2", "seed": "4"}).flat == RunConfig(seed=4).flat()
    seen = EvaluationState(run=run, seeds=2, parts=("knn_classifier",))
    assert EvaluationState.read(seen.address()) == seen


def test_costs_follow_what_is_asked_for(pool, run):
    one = pool.store.run(run)
    assert seconds(one, Protocol(steps=800), "tuned") == pytest.approx(2 * seconds(one, Protocol(steps=400), "tuned"))
    assert (minutes(3), minutes(6), minutes(44), minutes(600)) == ("under 5 s", "about 5 s", "about 45 s", "about 10 min")
