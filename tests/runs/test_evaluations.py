"""Evaluations of real runs: on the command line, in the server's queue with real processes, and over its routes."""

import csv
import json
import os
import signal
import subprocess
import sys
from dataclasses import replace

import pytest
import torch
from starlette.applications import Starlette
from starlette.testclient import TestClient

from playground import RunConfig, train
from playground.cli.evaluating import evaluated, sets
from playground.cli.main import evaluate
from playground.datasets import load_images
from playground.evaluation import Protocol, ledger
from playground.events import Checkpoint, Metrics
from playground.home import home
from playground.runs.evaluations import Evaluations
from playground.runs.pool import Pool
from playground.runs.records import UnknownRun
from playground.runs.runner import RunError
from playground.runs.store import Store
from playground.runs.trained import NothingTrained
from playground.web.evaluation import task_of
from playground.web.routes import routes
from support.trainings import tiny_config, trained
from support.waiting import until

SHORT = tiny_config(steps=3)
QUICK = Protocol(parts=("linear", "knn_classifier"), shares=(1.0,), seeds=1, labels=50)
LONG = Protocol(parts=("scratch",), shares=(1.0,), seeds=1, labels=50, steps=100_000)


@pytest.fixture(scope="module")
def pool(tmp_path_factory):
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("SSL_PLAYGROUND_HOME", str(tmp_path_factory.mktemp("evaluations")))
        pool = Pool(tmp_path_factory.getbasetemp() / "evaluations0", slots=1, warm=False)
        yield pool
        pool.close()


@pytest.fixture(scope="module")
def runs(pool):
    """Two real runs, and one that has not begun."""
    return {name: trained(pool.store, SHORT) for name in ("first", "second")} | {"empty": pool.store.create(SHORT)}


@pytest.fixture
def http(pool):
    return TestClient(Starlette(routes=routes(lambda: pool)))


def folder(pool, run):
    return pool.store.folder(run).path


@pytest.mark.slow
def test_the_command_line_measures_a_run_and_keeps_what_it_found(pool, runs, tmp_path):
    words = ["--only", "linear,knn,tuned", "--seeds", "2", "--labels", "40", "--steps", "2", "--shares", "0.5,1", "--factor", "color"]
    command = [sys.executable, "-m", "playground.cli.main", "evaluate", runs["first"], *words, "--json", str(tmp_path / "out.json")]
    environment = os.environ | {"COLUMNS": "140", "NO_COLOR": "1", "OMP_NUM_THREADS": "1"}
    shown = subprocess.run(command, capture_output=True, text=True, timeout=300, env=environment, check=False)
    assert shown.returncode == 0, shown.stderr
    assert "color of shapes, 4,096 labeled images, of which each seed draws 40; tested on 4,096 others" in " ".join(shown.stdout.split())
    assert (
        "Fine-tuned" in shown.stdout
        and "50% (24 labels)" in shown.stdout
        and "100% (40 labels)" in shown.stdout
        and "most confused" in shown.stdout
    )
    written = json.loads((tmp_path / "out.json").read_text())
    kept = ledger.read(folder(pool, runs["first"]))
    assert kept["scores"] == written["scores"] and (kept["status"], kept["step"], kept["done"]) == ("finished", 3, 1.0)
    assert len(written["scores"]) == 3 * 2 * 2 and all(0 <= each["accuracy"] <= 1 for each in written["scores"])


@pytest.mark.slow
def test_a_network_that_is_no_longer_finite_is_named_with_its_run_and_step(tmp_path):
    store = Store(tmp_path)
    run = store.create(SHORT)
    for event in train(SHORT):
        if isinstance(event, Checkpoint):
            event.state["method"] = {key: value * float("nan") for key, value in event.state["method"].items()}
        store.write(run, event)
    sentence = f"run {run} cannot be evaluated, because at step 3 the network's features are no longer finite numbers: "
    with pytest.raises(ValueError, match=f"^{sentence}train it again with a lower optimizer.learning_rate"):
        list(evaluated(store, run, QUICK))
    assert ledger.read(store.folder(run).path)["message"].startswith(sentence)


@pytest.mark.slow
def test_a_run_is_tested_on_images_that_it_neither_trained_on_nor_watched():
    data = RunConfig().data
    train, test = sets(data)
    known = {each.numpy().tobytes() for part in load_images(data, home() / "data") for each in part.pixels}
    assert torch.equal(train.pixels, load_images(data, home() / "data")[0].pixels) and len(test) == data.choice.test_count
    assert known.isdisjoint(each.numpy().tobytes() for each in test.pixels)


@pytest.mark.slow
def test_a_run_that_cannot_be_evaluated_is_a_sentence(pool, runs):
    with pytest.raises(UnknownRun, match="there is no run nowhere1"):
        list(evaluated(pool.store, "nowhere1", QUICK))
    with pytest.raises(NothingTrained, match="must have a checkpoint"):
        list(evaluated(pool.store, runs["empty"], QUICK))
    lock = ledger.lock(folder(pool, runs["second"]))
    assert lock.take()
    with pytest.MonkeyPatch.context() as quick:
        quick.setattr("playground.cli.evaluating.PATIENCE", 0)
        with pytest.raises(ValueError, match="must not be under evaluation"):
            list(evaluated(pool.store, runs["second"], QUICK))
    lock.release()


def test_a_wrong_id_on_the_command_line_is_answered_with_those_of_the_newest_runs(home):
    def said():
        with pytest.raises(ValueError, match=r"^run must be the id of a run, .* got nowhere1; ") as found:
            evaluate("nowhere1")
        return str(found.value).partition("; ")[2]

    assert said() == "there are no runs yet"
    made = [Store(home).create(SHORT) for _ in range(4)]
    assert said() == f"the latest runs are {', '.join(reversed(made[1:]))}"


def test_a_data_set_that_is_not_here_fails_before_anything_is_measured(pool, runs):
    with pytest.raises(ValueError, match="mnist must be in"):
        list(evaluated(pool.store, runs["second"], Protocol(parts=("transfer",), transfer="mnist")))
    assert ledger.read(folder(pool, runs["second"])) is None


@pytest.mark.slow
def test_evaluations_take_turns_in_processes_of_their_own_and_are_ended_on_purpose(pool, runs):
    jobs, first, second = pool.evaluations, runs["first"], runs["second"]
    jobs.submit(first, LONG)
    jobs.submit(second, QUICK)
    until(lambda: jobs.standing(first)["status"] == "running")
    waits = jobs.standing(second)
    assert (waits["status"], waits["position"], waits["before"]) == ("waiting", 1, first)
    for run in (first, second):
        with pytest.raises(RunError, match="is being evaluated already"):
            jobs.submit(run, QUICK)
    until(lambda: (ledger.read(folder(pool, first)) or {}).get("doing", "").startswith("From scratch"))
    jobs.stop(first)
    until(lambda: jobs.standing(second)["status"] == "running")
    kept = ledger.read(folder(pool, first))
    assert (kept["status"], kept["message"]) == ("stopped", "stopped before it was done")
    until(lambda: jobs._process is not None)
    os.kill(jobs._process.pid, signal.SIGKILL)
    until(lambda: jobs.standing(second)["status"] == "failed")
    assert "was killed (SIGKILL)" in jobs.standing(second)["message"]


def test_what_cannot_begin_is_refused_and_what_waits_can_be_taken_back(pool, runs, monkeypatch):
    jobs = Evaluations(pool.store)
    monkeypatch.setattr(jobs, "_work_on_next", lambda: None)
    with pytest.raises(UnknownRun):
        jobs.submit("nowhere1", QUICK)
    with pytest.raises(NothingTrained, match="must have a checkpoint to be evaluated"):
        jobs.submit(runs["empty"], QUICK)
    jobs.submit(runs["first"], QUICK)
    assert jobs.standing(runs["first"])["position"] == 1
    jobs.stop(runs["first"])
    assert jobs.standing(runs["first"])["status"] == ""
    jobs.close()
    with pytest.raises(RunError, match="evaluations wait"):
        jobs.submit(runs["first"], QUICK)


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [0, 600])
def test_a_process_behind_the_server_ends_by_itself_or_with_it(seconds):
    begin = "import time; from playground.machine.background import run_in_background; run_in_background()"
    code = f"{begin}; print('here', flush=True); time.sleep({seconds})"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"here\n"
        if seconds:
            assert process.poll() is None
            process.stdin.close()
        assert process.wait(60) == 0


@pytest.mark.slow
def test_the_routes_say_where_it_stands_and_give_the_numbers(pool, runs, http):
    run = runs["second"]
    for _ in evaluated(pool.store, run, QUICK):
        pass
    body = http.get(f"/api/runs/{run}/evaluation").json()
    assert (body["step"], body["stale"], body["found"]["status"]) == (3, False, "finished")
    assert {(each["who"], each["seeds"]) for each in body["found"]["scores"]} == {("linear", 1), ("knn_classifier", 1)}
    assert len(body["found"]["confusion"]) == 8 and body["found"]["pairs"]
    tag = http.get(f"/api/runs/{run}/evaluation").headers["etag"]
    assert http.get(f"/api/runs/{run}/evaluation", headers={"If-None-Match": tag}).status_code == 304
    rows = list(csv.DictReader(http.get(f"/api/runs/{run}/evaluation.csv").text.splitlines()))
    assert [each["who"] for each in rows] == ["linear", "knn_classifier"] and rows[0]["run"] == run
    whole = http.get(f"/api/runs/{run}/evaluation.json")
    assert whole.json() == ledger.read(folder(pool, run)) and f'"evaluation-{run}.json"' in whole.headers["content-disposition"]
    assert http.get(f"/api/runs/{runs['empty']}/evaluation").json()["found"] is None
    assert http.get(f"/api/runs/{runs['empty']}/evaluation.csv").status_code == 404
    assert http.get("/api/runs/nowhere1/evaluation").status_code == 404


def test_numbers_of_an_earlier_step_are_stale_and_an_abandoned_evaluation_is_over(pool, runs, http):
    run = runs["second"]
    document = ledger.new(run, 2, QUICK)
    ledger.write(folder(pool, run), document)
    body = http.get(f"/api/runs/{run}/evaluation").json()
    assert body["stale"] and (body["found"]["status"], body["found"]["message"]) == (
        "stopped",
        "the process that evaluated it has ended before it was done",
    )
    lock = ledger.lock(folder(pool, run))
    assert lock.take()
    assert http.get(f"/api/runs/{run}/evaluation").json()["found"]["status"] == "running"
    lock.release()


def test_loss_stands_beside_accuracy_for_every_run_on_a_data_set(pool, runs, http):
    run = runs["first"]
    found = {each["run"]: each for each in http.get("/api/evaluation/losses?data=shapes").json()["runs"]}
    assert set(found) == {run, runs["second"]}
    losses = [entry.body["loss"] for entry in pool.store.events(run) if entry.kind == "metrics" and "loss" in entry.body]
    assert found[run]["loss"] == pytest.approx(sum(losses) / len(losses)) and len(losses) == 3
    last = [entry.body for entry in pool.store.events(run) if entry.kind == "metrics" and "knn/shape" in entry.body][-1]
    assert 1 / 8 < found[run]["chance"]["shape"] < 0.2
    assert found[run]["knn"]["shape"] == last["knn/shape"] and found[run]["method"] == "SimCLR"
    assert http.get("/api/evaluation/losses?data=cifar10").json()["runs"] == []
    pool.store.write(run, Metrics(3, {"knn/shape": 0.99}))
    pool.store.write(run, Metrics(4, {"loss": 1.0}))  # it has gone on
    again = next(each for each in http.get("/api/evaluation/losses?data=shapes").json()["runs"] if each["run"] == run)
    assert again["knn"] == {"shape": 0.99} and again["loss"] == pytest.approx((sum(losses) + 1) / 4)


def test_losses_with_a_safeguard_off_are_not_compared_with_those_of_the_method(pool, runs):
    run = pool.store.run(runs["first"])
    assert task_of(run) == "SimCLR"
    assert task_of(replace(run, flat=run.flat | {"method.negatives": False})) == "SimCLR without negatives"
    assert task_of(replace(run, flat=run.flat | {"method": "of-tomorrow"})) == "of-tomorrow"
