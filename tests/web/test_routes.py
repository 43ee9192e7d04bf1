"""The API over real sockets: a uvicorn of its own, clients that drop off, and at last the whole app, killed and started again."""

import base64
import contextlib
import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time

import httpx
import numpy as np
import pytest
from PIL import Image
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from playground.config import RunConfig
from playground.events import Change, EvalImages, Finished, Metrics, SetKnob, Snapshot, Started, TakeStep
from playground.home import site
from playground.runs.store import Store
from playground.web.hub import ANYWAY
from support.serving import WITHOUT_MAPS, Served
from support.trainings import TINY
from support.waiting import PATIENCE, until


class WithRuns(Served):
    """A server with runs that nobody trains."""

    def run(self, steps=300):
        run = self.store.create(RunConfig(steps=steps))
        self.store.write(run, Started(0, {"device": "cpu", "steps": steps}))
        return run


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    with WithRuns(tmp_path_factory.mktemp("home")) as served:
        yield served


def hear(page):
    return json.loads(page.recv(timeout=PATIENCE))


def hear_steps(page, upto, run=None):
    """Steps of the metrics that arrive, and the last event's id, until step `upto` is there."""
    steps, last = [], 0
    while not steps or steps[-1] < upto:
        message = hear(page)
        if run is None or message["run"] == run:
            events = message.get("events", [])
            steps += [event[2] for event in events if event[1] == "metrics"]
            last = events[-1][0] if events else last
    return steps, last


def test_health_says_what_the_server_does(served):
    run = served.run()
    found = served.http.get("/healthz").json()
    assert found["status"] == "ok" and found["runs"]["running"] >= 1
    assert (found["slots"], found["queue"], found["workers"]) == (1, 0, [])
    assert served.http.get("/api/runs").json()["runs"][0]["id"] == run


def test_a_run_tells_all_but_its_owner(served):
    run = served.store.create(RunConfig(method="vicreg"), owner="a cookie that is nobody's business")
    served.store.write_many(run, [Started(0, {"device": "cpu"}), Change(3, "augment.hue", 0.0)])
    served.store.write(run, EvalImages(0, np.zeros((4, 8, 8, 3), np.uint8), {"shape": np.arange(4)}, {"shape": list("abcd")}))
    answer = served.http.get(f"/api/runs/{run}")
    found = answer.json()
    assert found["config"] == RunConfig(method="vicreg").flat() and found["facts"] == {"device": "cpu"}
    assert (found["status"], found["step"], found["steps"], found["queue_position"]) == ("running", 3, 300, None)
    assert found["probe"]["labels"] == {"shape": [0, 1, 2, 3]} and found["probe"]["columns"] == 2
    assert found["changes"] == [{"step": 3, "name": "augment.hue", "value": 0.0}] and found["resumable"] is False
    assert "cookie" not in answer.text + served.http.get("/api/runs").text


@pytest.mark.parametrize("path", ["", "/events", "/snapshots", "/snapshots/3", "/snapshots/3/views.png", "/sprites.png"])
def test_a_run_that_is_not_there_is_a_sentence(served, path):
    answer = served.http.get(f"/api/runs/nobody{path}")
    assert (answer.status_code, answer.json()) == (404, {"error": "there is no run nobody"})


def test_what_cannot_be_asked_is_a_sentence(served):
    run = served.run()
    for given, got in (("soon", "soon"), ("9" * 20, "9" * 20), ("9" * 5000, "9" * 20), ("-1", "-1"), ("1.5", "1.5")):
        answer = served.http.get(f"/api/runs/{run}/events?after={given}")
        assert (answer.status_code, answer.json()) == (400, {"error": f"after must be a whole number from 0, got {got}"})
    for step in ("9" * 19, "9" * 5000, "-1", "x"):
        assert served.http.get(f"/api/runs/{run}/snapshots/{step}").status_code == 404
    answer = served.http.get(f"/api/runs/{run}/snapshots/7")
    assert (answer.status_code, answer.json()) == (404, {"error": f"run {run} has no snapshot of step 7"})


def test_a_snapshot_travels_in_base64_and_anew_once_its_map_is_ready(served):
    run, rows = served.run(), np.random.default_rng(0)
    pca, views = rows.normal(size=(6, 2)).astype(np.float32), rows.integers(0, 255, (2, 3, 8, 8, 3), dtype=np.uint8)
    served.store.write(run, Snapshot(5, {"embedding": np.ones((6, 4), np.float32), "pca": pca, "views": views}))
    path = f"/api/runs/{run}/snapshots"
    assert served.http.get(path).json() == {"snapshots": [{"step": 5, "arrays": ["pca"], "pictures": ["views"], "umap": False}]}
    first = served.http.get(f"{path}/5")
    assert set(first.json()) == {"step", "pca", "umap"} and first.json()["umap"] is None
    sent = first.json()["pca"]
    assert (sent["dtype"], sent["shape"]) == ("float32", [6, 2])
    np.testing.assert_array_equal(np.frombuffer(base64.b64decode(sent["data"]), np.float32).reshape(6, 2), pca)
    known = {"If-None-Match": first.headers["etag"]}
    assert served.http.get(f"{path}/5", headers=known).status_code == 304
    served.store.folder(run).save_layout(5, pca * 2)
    second = served.http.get(f"{path}/5", headers=known)
    assert second.status_code == 200 and second.json()["umap"]["shape"] == [6, 2]

    picture = served.http.get(f"{path}/5/views.png")
    assert picture.headers["content-type"] == "image/png"
    np.testing.assert_array_equal(np.asarray(Image.open(httpx_file(picture)))[8:16, 16:24], views[1, 2])
    assert served.http.get(f"{path}/5/nothing.png").json() == {"error": f"run {run} has no picture nothing of step 5"}


def httpx_file(answer):
    import io

    return io.BytesIO(answer.content)


def test_a_page_hears_how_a_run_stands_and_then_all_that_happens(served):
    run = served.run()
    with served.socket() as page:
        page.send(json.dumps({"watch": run, "after": 0}))
        first = hear(page)
        assert first == {
            "run": run,
            "status": {
                "id": run,
                "status": "running",
                "over": False,
                "broken": False,
                "message": "",
                "step": 0,
                "steps": 300,
                "queue_position": None,
                "waiting": 0,
            },
        }
        assert [event[1:3] for event in hear(page)["events"]] == [["started", 0]]
        served.store.defer(run, SetKnob("method.temperature", 0.5))
        served.store.defer(run, TakeStep())
        assert hear(page)["status"]["waiting"] == 1
        found = served.http.get(f"/api/runs/{run}").json()
        assert found["changes"] == [{"step": 1, "name": "method.temperature", "value": 0.5}]
        served.store.write(run, Metrics(1, {"loss": 2.0}))
        id, kind, step, stamp, body = hear(page)["events"][0]
        assert (kind, step, body) == ("metrics", 1, {"loss": 2.0}) and stamp > 1e9
        served.store.write(run, Finished(2, "finished"))
        ending = [hear(page), hear(page)]
        assert {tuple(sorted(message)) for message in ending} == {("run", "status"), ("events", "run")}
        assert next(message for message in ending if "status" in message)["status"]["status"] == "finished"
        page.send(json.dumps({"watch": run, "after": id}))
        assert hear(page)["status"]["status"] == "finished"
        assert [event[1] for event in hear(page)["events"]] == ["finished"]


def test_one_socket_watches_many_runs_and_bad_messages_do_not_end_it(served):
    first, second = served.run(), served.run()
    with served.socket() as page:
        never = ('"soon"', "Infinity", "NaN", "1e300", "9" * 20, "9" * 5000, -1, "[1]", '{"a": 1}')
        numbers = (f'{{"watch": "{first}", "after": {each}}}' for each in never)
        for message in ("nonsense", "[]", '{"after": 3}', '{"watch": 5}', "[" * 100_000, *numbers):
            page.send(message)
            assert "a message must be" in hear(page)["error"]
        page.send(json.dumps({"watch": "nobody"}))
        assert hear(page) == {"run": "nobody", "error": "there is no run nobody"}
        for run in (first, second):
            page.send(json.dumps({"watch": run}))
            assert {"status", "events"} == {key for _ in range(2) for key in hear(page)} - {"run"}
        page.send(json.dumps({"unwatch": first}))
        page.send(json.dumps({"watch": "nobody"}))
        assert "error" in hear(page)
        served.store.write(first, Metrics(1, {"loss": 1.0}))
        served.store.write(second, Metrics(1, {"loss": 1.0}))
        assert hear(page)["run"] == second
        served.store.write(second, Metrics(2, {"loss": 1.0}))
        assert hear(page)["run"] == second


@pytest.mark.slow
def test_nothing_more_is_said_once_the_server_is_asked_to_stop(served):
    run = served.run()
    with served.socket() as page:
        page.send(json.dumps({"watch": run}))
        assert {"status", "events"} == {key for _ in range(2) for key in hear(page)} - {"run"}
        served.stopping.set()
        try:
            time.sleep(2 * ANYWAY)
            served.store.write(run, Metrics(1, {"loss": 1.0}))
            with pytest.raises(TimeoutError):
                page.recv(timeout=2 * ANYWAY)
        finally:
            served.stopping.clear()


def test_a_page_from_elsewhere_is_refused(served):
    with pytest.raises(InvalidStatus), served.socket(origin="https://elsewhere.example"):
        pass
    with served.socket(origin=f"http://127.0.0.1:{served.port}") as page:
        page.send(json.dumps({"watch": "nobody"}))
        assert "error" in hear(page)
    behind_a_proxy = {"X-Forwarded-Host": "ssl.example"}
    with served.socket(origin="https://ssl.example", additional_headers=behind_a_proxy) as page:
        page.send(json.dumps({"watch": "nobody"}))
        assert "error" in hear(page)


@pytest.mark.slow
def test_a_connection_that_drops_again_and_again_misses_nothing(served):
    run, steps = served.run(), 400

    def train():
        for step in range(1, steps + 1):
            served.store.write(run, Metrics(step, {"loss": 1.0}))
            time.sleep(0.003)

    trainer = threading.Thread(target=train)
    trainer.start()
    seen, last = [], 0
    while not seen or seen[-1] < steps:
        with served.socket() as page:
            page.send(json.dumps({"watch": run, "after": last}))
            heard, last = hear_steps(page, min((seen[-1] if seen else 0) + 60, steps))
            seen += heard
    trainer.join()
    assert seen == list(range(1, steps + 1))


@pytest.mark.slow
def test_many_viewers_of_one_run_cost_one_reader(served):
    run = served.run()
    with contextlib.ExitStack() as stack:
        pages = [stack.enter_context(served.socket()) for _ in range(20)]
        for page in pages:
            page.send(json.dumps({"watch": run}))
            hear(page), hear(page)
        begun, reads = time.monotonic(), served.hub.reads
        for step in range(1, 6):
            served.store.write(run, Metrics(step, {"loss": 1.0}))
            assert all(hear_steps(page, step)[0] == [step] for page in pages)
        # Once for each write, and now and then anyway: twenty readers would have read twenty times as often.
        assert served.hub.reads - reads <= 5 + (time.monotonic() - begun) / ANYWAY + 1


def test_what_is_recorded_reaches_a_page_at_once(served):
    """No look every so often lies in between: thirty events one after the other, each written when the one before has come."""
    run = served.run()
    with served.socket() as page:
        page.send(json.dumps({"watch": run}))
        hear(page), hear(page)
        delays = []
        for step in range(1, 31):
            served.store.write(run, Metrics(step, {"loss": 1.0}))
            begun = time.monotonic()
            assert hear_steps(page, step)[0] == [step]
            delays.append(time.monotonic() - begun)
        assert sorted(delays)[15] < 0.05


@pytest.mark.slow
def test_a_run_that_is_deleted_while_it_is_watched_says_so_and_the_others_go_on(served):
    gone, stays = served.run(), served.run()
    with served.socket() as page:
        for run in (gone, stays):
            page.send(json.dumps({"watch": run}))
            hear(page)
        with sqlite3.connect(served.store.home / "playground.db") as db:
            db.execute("DELETE FROM runs WHERE id = ?", (gone,))
        message = hear(page)
        while "error" not in message:
            message = hear(page)
        assert message == {"run": gone, "error": f"there is no run {gone}"}
        served.store.write(stays, Metrics(1, {"loss": 1.0}))
        assert hear_steps(page, 1, stays)[0] == [1]


def test_ten_pages_on_ten_runs_all_stay_live(served):
    runs = [served.run() for _ in range(10)]
    with contextlib.ExitStack() as stack:
        pages = [stack.enter_context(served.socket()) for _ in runs]
        for page, run in zip(pages, runs, strict=True):
            page.send(json.dumps({"watch": run}))
        for step in (1, 2, 3):
            for run in runs:
                served.store.write(run, Metrics(step, {"loss": 1.0}))
            for page, run in zip(pages, runs, strict=True):
                assert hear_steps(page, step, run)[0] == [step]


def test_a_run_that_goes_back_to_its_checkpoint_tells_those_who_watch(served):
    run = served.run()
    with served.socket() as page:
        page.send(json.dumps({"watch": run}))
        served.store.write_many(run, [Metrics(step, {"loss": 1.0}) for step in range(1, 9)])
        hear_steps(page, 8)
        served.store.begin(run, 5)
        served.store.write_many(run, [Started(5, {}), Metrics(6, {"loss": 0.5})])
        events = []
        while not events or events[-1][1] != "metrics":
            events += hear(page).get("events", [])
        assert [event[1:3] for event in events] == [["status", 5], ["started", 5], ["metrics", 6]]
    entries = served.http.get(f"/api/runs/{run}/events").json()
    assert [entry[2] for entry in entries if entry[1] == "metrics"] == [1, 2, 3, 4, 5, 6]


@pytest.mark.slow
def test_a_timeline_goes_on_after_the_last_event_seen(served):
    run = served.run()
    served.store.write_many(run, [Metrics(1, {"loss": 2.0}), Metrics(2, {"loss": 1.0})])
    listed = served.http.get(f"/api/runs/{run}/events").json()
    assert [entry[1] for entry in listed] == ["started", "metrics", "metrics"]
    assert served.http.get(f"/api/runs/{run}/events?after={listed[1][0]}").json() == listed[2:]
    assert served.http.get(f"/api/runs/{run}/events?after={2**63 - 1}").json() == []


class App:
    """The server that `ssl-playground` starts, but that nobody lays out maps."""

    def __init__(self, home):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        options = ["--server.port", str(self.port), "--server.address", "127.0.0.1", "--server.headless", "true"]
        command = [sys.executable, "-c", WITHOUT_MAPS, "run", str(site() / "app.py"), *options]
        self.log = open(home / "server.log", "ab")  # noqa: SIM115
        environment = os.environ | {"SSL_PLAYGROUND_HOME": str(home)}
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log, env=environment, start_new_session=True)

    def get(self, path):
        try:
            answer = httpx.get(f"http://127.0.0.1:{self.port}{path}", timeout=PATIENCE)
        except httpx.TransportError:
            return None
        return answer.json() if answer.status_code == 200 else None

    def close(self):
        self.process.kill()
        self.process.wait()
        self.log.close()


@pytest.mark.slow
def test_the_app_trains_what_waits_and_after_a_kill_says_interrupted_with_every_metric(tmp_path):
    store = Store(tmp_path)
    run = store.create(RunConfig(**TINY, steps=20_000))
    app = App(tmp_path)
    try:
        until(lambda: app.get("/healthz"), "the server")
        address = f"http://127.0.0.1:{app.port}/"
        script = re.search(r"static/js/[\w.-]+\.js", httpx.get(address, timeout=PATIENCE).text)[0]
        assert httpx.get(address + script, timeout=PATIENCE).headers["content-encoding"] == "gzip", "scripts are packed"
        with connect(f"ws://127.0.0.1:{app.port}/api/ws") as page:
            page.send(json.dumps({"watch": run}))
            seen, last = hear_steps(page, 4)
        second = App(tmp_path)
        assert second.process.wait(PATIENCE) != 0
        second.close()
        assert f"is in use by another server (process {app.process.pid})" in (tmp_path / "server.log").read_text()
    finally:
        os.kill(app.process.pid, signal.SIGKILL)
        app.close()
    app = App(tmp_path)
    try:
        found = until(lambda: app.get(f"/api/runs/{run}"), "the server to come back")
        assert found["status"] == "interrupted" and "Resume" in found["message"]
        entries = app.get(f"/api/runs/{run}/events")
        steps = [entry[2] for entry in entries if entry[1] == "metrics"]
        assert set(seen) <= set(steps) and last in [entry[0] for entry in entries]
        with connect(f"ws://127.0.0.1:{app.port}/api/ws") as page:
            page.send(json.dumps({"watch": run}))
            hear(page)
            app.process.terminate()  # with a page that watches, and would go on doing so
            app.process.wait(PATIENCE)
    finally:
        app.close()
        store.close()
