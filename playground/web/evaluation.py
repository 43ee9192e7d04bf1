"""What evaluations have found, and where they stand.

GET /api/runs/{run}/evaluation          {"run", "step", "job", "stale", "since", "found"}; found: the document, its scores summed up over
                                        seeds; since: that the pictures were read again since the run, and what that means
GET /api/runs/{run}/evaluation.json     the document as it is kept     GET /api/runs/{run}/evaluation.csv    all numbers, a row each
GET /api/evaluation/losses?data=shapes  {"runs": [...]}: pretext loss beside accuracy, of every run on that dataset
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from playground.config import CHOICES
from playground.diagnostics.labels import LEAST
from playground.evaluation import ledger
from playground.evaluation.contest import most_confused
from playground.evaluation.protocol import CONTENDERS
from playground.home import HomeError
from playground.knobs import knobs_of, safeguards_off
from playground.metric_names import by_factor
from playground.runs.derived import Key
from playground.runs.pool import Pool
from playground.runs.read_again import read_before_evaluation
from playground.runs.records import Run
from playground.runs.store import Store
from playground.web.files import answer, failure, tagged

RUNS = 500  # the newest, in the picture of losses
RECENT = 60  # entries of a timeline in which its end is looked for
STEPS = 20  # over which a final loss is averaged
INTERRUPTED = "the process that evaluated it has ended before it was done"


class Evaluation:
    """The answers, from one pool."""

    def __init__(self, pool: Callable[[], Pool]) -> None:
        self._pool = pool

    def paths(self) -> dict[str, Callable[[Request], Response]]:
        """Address -> answer."""
        run = "/api/runs/{run}/evaluation"
        return {run: self.standing, f"{run}.json": self.document, f"{run}.csv": self.table, "/api/evaluation/losses": self.losses}

    def standing(self, request: Request) -> Response:
        """The results of a run as far as there are any, and what is being done about it."""
        pool, name = self._pool(), request.path_params["run"]
        run = pool.store.run(name)
        found, job = ledger.read(pool.store.folder(name).path), pool.evaluations.standing(name)
        if found and found["status"] == "running" and job["status"] != "running":
            found = found | _nobody_at_it(pool.store, name)
        if found and job["status"] == "failed" and found["written"] > job["since"] and found["status"] != "failed":
            job = job | {"status": "", "message": ""}  # it has been evaluated since, on a command line
        step = _evaluable(pool.store, run)
        since = read_before_evaluation(run)
        tag = f"{zlib.crc32(repr((run.status, step, found and (found['written'], found['status']), job, since)).encode()):x}"
        shown = _summed(found) if found else None
        stale = bool(found and step is not None and found["step"] != step)
        return tagged(
            request, tag, {"run": name, "step": step, "job": job, "stale": stale, "since": since, "found": shown, "titles": CONTENDERS}
        )

    def document(self, request: Request) -> Response:
        """All of it, to keep."""
        return self._file(request, "json", lambda found: answer(found))

    def table(self, request: Request) -> Response:
        """The numbers alone, to keep."""
        return self._file(request, "csv", lambda found: Response(ledger.as_csv(found), media_type="text/csv"))

    def losses(self, request: Request) -> Response:
        """Low loss is not a good representation: both, of every run on one dataset."""
        store, data = self._pool().store, request.query_params.get("data", "")
        runs = [each for each in store.runs(RUNS) if each.flat.get("data") == data and each.step]
        return answer({"data": data, "runs": [found for each in runs if (found := _row(store, each))]})

    def _file(self, request: Request, kind: str, made: Callable[[ledger.Document], Response]) -> Response:
        store, name = self._pool().store, request.path_params["run"]
        store.run(name)
        found = ledger.read(store.folder(name).path)
        if found is None:
            return failure(404, f"run {name} has not been evaluated")
        response = made(found)
        response.headers["Content-Disposition"] = f'attachment; filename="evaluation-{name}.{kind}"'
        return response


def _evaluable(store: Store, run: Run) -> int | None:
    """The step of the weights that an evaluation would take now: for a run that is over, its last. None where that is not known."""
    return run.step if run.over and store.folder(run.id).has_checkpoint() else None


def _nobody_at_it(store: Store, run: str) -> dict[str, str]:
    """For a document that says it is being written: whether somebody still does, on a command line perhaps."""
    lock = ledger.lock(store.folder(run).path)
    try:
        if not lock.take():
            return {}
    except HomeError:  # a disk that takes nothing: nobody writes there either, and what is there is shown
        return {"status": "stopped", "message": INTERRUPTED}
    lock.release()
    return {"status": "stopped", "message": INTERRUPTED}


def _summed(found: ledger.Document) -> dict[str, Any]:
    pairs = most_confused(found["confusion"], found["about"]["names"]) if found["confusion"] else []
    return found | {"scores": ledger.summary(found["scores"]), "pairs": pairs, "least": LEAST}


def _row(store: Store, run: Run) -> dict[str, Any] | None:
    loss, knn, chance = store.derived.get(Key(run.id, run.attempt, run.step, ("last losses",)), lambda: _end(store, run.id))
    if loss is None:
        return None
    shown = {"run": run.id, "status": run.status, "step": run.step, "steps": run.steps, "seed": run.flat.get("seed")}
    return shown | {
        "method": task_of(run),
        "loss": loss,
        "knn": knn,
        "chance": chance,
        "linear": _linear(store, run.id),
    }


def task_of(run: Run) -> str:
    """What its loss is of: the method, and the safeguards that are off, without which a loss is another one."""
    kind = CHOICES["method"].get(run.flat["method"])
    if kind is None:
        return str(run.flat["method"])
    off = [each.title for each in safeguards_off(knobs_of(kind.Knobs, "method."), run.flat)]
    return f"{kind.title} without {' and '.join(off)}" if off else str(kind.title)


def _end(store: Store, run: str) -> tuple[float | None, dict[str, float], dict[str, float]]:
    """The mean of a run's last losses, its last live k-NN by factor, and chance by factor."""
    losses: list[float] = []
    knn: dict[str, float] = {}
    for entry in store.newest(run, "metrics", RECENT):
        values = entry.body
        if values.get("loss") is not None and len(losses) < STEPS:
            losses.append(values["loss"])
        knn = knn or by_factor("knn", values)
    levels = [by_factor("knn", entry.body["chance"]) for entry in store.newest(run, "baseline", 1) if "chance" in entry.body]
    return (sum(losses) / len(losses) if losses else None), knn, (levels or [{}])[0]


def _linear(store: Store, run: str) -> dict[str, float]:
    """factor -> accuracy of the linear probe with the most labels, where there has been one."""
    found = ledger.read(store.folder(run).path)
    if not found or not found["about"]:
        return {}
    rows = [each for each in ledger.summary(found["scores"]) if (each["part"], each["who"]) == ("labels", "linear")]
    return {found["about"]["factor"]: max(rows, key=lambda each: each["share"])["mean"]} if rows else {}
