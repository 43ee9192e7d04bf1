"""The accuracy of the collapse judge: runs with known outcomes are trained, judged at every measured step, and counted.

    ssl-playground judge        hours on a CPU; continues where it stopped, and judges measured runs again

`cases` has the runs and their expected verdicts. A run whose outcome its method leaves open ("may collapse") is judged and
listed, but not counted; neither is a run whose actual outcome, according to the witness, differs from the intended one.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playground.config import RunConfig
from playground.diagnostics.course import LossCourse
from playground.diagnostics.run_context import RunContext
from playground.diagnostics.verdict import diverged, judge
from playground.events import Checkpoint, Finished, Metrics, Started, Verdict
from playground.judging.cases import ASK, OPEN, SICK, Case, cases
from playground.judging.witness import IDLE, SURE, gain_in_errors, testimony
from playground.metric_names import metric
from playground.safe_files import put_in_place
from playground.training.run import train

FACTS = ("layers", "bins", "probe", "about", "pictures", "labeled")
PACE = "views_per_second"  # the one metric that depends on the machine
MEASURED_AT = (30, 50, 75, *range(100, 10_000, 30))  # enough to see whether verdicts change
DIGITS = 5
TABLE, FIGURE, MARGINS, RECORDS = "runs.csv", "confusion.svg", "margins.svg", ".json.gz"
POINT, FAINT, FEW = 0.1, 0.3, 1.5  # a spread like that of one point, a small spread, and hardly more than one dimension
ONE_BIN, ALL_BINS = 2.0, 0.97


@dataclass(frozen=True)
class Record:
    """The measurements of one run: the judge's inputs at every measured step. failed: the step and the reason, if it failed.

    losses: of every step; witness: the result of `witness.testimony` at the end. Records of earlier versions have neither.
    """

    settings: dict[str, Any]
    facts: dict[str, Any]
    measures: list[tuple[int, dict[str, float]]]
    failed: tuple[int, str] | None = None
    losses: list[float] = field(default_factory=list)
    witness: dict[str, float] = field(default_factory=dict)

    @property
    def learned(self) -> bool:
        """Whether the k-NN accuracy for the main factor has risen, by more than chance if there is a witness."""
        if self.witness:
            return gain_in_errors(self.witness) >= SURE
        name = metric("knn", self.facts["about"])
        return self.measures[-1][1][name] > self.measures[0][1][name]

    @property
    def idle(self) -> bool:
        """Whether it has not risen. Between this and `learned` it is undecided."""
        return gain_in_errors(self.witness) <= IDLE if self.witness else not self.learned

    def verdicts(self, config: RunConfig) -> list[Verdict]:
        """The judge's verdict at each of these steps."""
        context, start = RunContext.of_run(config, self.facts), self.measures[0][1]
        verdicts: list[Verdict] = []
        for step, values in self.measures[1:]:
            course = LossCourse(self.losses[:step]).values() or self._older_course(step)
            verdicts.append(judge(step, values | course, start, context, verdicts[-1] if verdicts else None))
        return verdicts + ([diverged(*self.failed)] if self.failed else [])

    def _older_course(self, step: int) -> dict[str, float]:
        """Records of earlier versions have only the recent mean at each measured step, and the first loss."""
        means = [values["loss"] for at, values in self.measures if at <= step and "loss" in values]
        return {"loss": means[-1], "loss/start": means[0]} if len(means) > 1 else {}


def measured(case: Case) -> Record:
    """Trains one run and keeps the judge's inputs and the result of the witness. Raises ValueError if it cannot start."""
    facts: dict[str, Any] = {}
    measures: list[tuple[int, dict[str, float]]] = []
    losses: list[float] = []
    failed, witness = None, {}
    for event in train(case.config, measure_at=MEASURED_AT):
        match event:
            case Started(_, found):
                facts = {name: found[name] for name in FACTS}
            case Metrics(step, values) if "feature_std" in values:
                measures.append((step, _kept(values)))
            case Metrics(_, values):
                losses.append(values["loss"])
            case Checkpoint(_, state):
                witness = _kept(testimony(case.config, state["method"], facts["about"]))
            case Finished(step, "failed", message) if measures:
                failed = (step, message)
            case Finished(_, "failed", message):
                raise ValueError(message)
    return Record(case.settings, facts, measures, failed, list(_kept(dict(enumerate(losses))).values()), witness)


def _kept(values: Mapping[Any, float]) -> dict[Any, float]:
    """All measurements, rounded to the relevant digits."""
    return {name: float(f"{value:.{DIGITS}g}") for name, value in values.items() if name != PACE}


@dataclass(frozen=True)
class Outcome:
    """One judged case. truth: the actual outcome; verdict: the last one; detected_at: the step since which verdicts were correct, or
    None."""

    case: Case
    truth: str
    verdict: Verdict
    detected_at: int | None

    @property
    def right(self) -> bool:
        """Whether the last verdict is correct."""
        return is_right(self.verdict, self.truth)


def is_right(verdict: Verdict, truth: str) -> bool:
    """A collapse of the projector alone has its own name, but it also counts as a collapse of its kind."""
    if truth == SICK:
        return verdict.state not in ("healthy", "unclear", "starting")
    return verdict.state == truth or (verdict.state == "projector collapse" and verdict.layers.get("projector") == truth)


def truth_of(case: Case, record: Record) -> str:
    """The actual outcome: the intended one if the witness confirms it, else `OPEN`. Decided without the judge."""
    if case.expected == OPEN:
        return OPEN
    if record.failed:
        return "divergence"
    if case.expected == "healthy":
        return "healthy" if record.learned else OPEN
    if not record.witness:
        return case.expected
    if case.expected == ASK:
        return _by_what_it_learned(record)
    return _confirmed(case.expected, record)


def _confirmed(expected: str, record: Record) -> str:
    """The kind of an intended failure, as far as the witness confirms it."""
    witness = record.witness
    spread, dimensions = witness.get("projector/spread", witness["spread"]), witness.get("projector/dimensions", witness["dimensions"])
    confirmed = {
        "complete collapse": spread < POINT,
        "dimensional collapse": dimensions < FEW,
        "cluster collapse": witness.get("used", ONE_BIN) < ONE_BIN or witness.get("undecided", 0.0) > ALL_BINS,
        "one-hot teacher": witness.get("used", ONE_BIN) < ONE_BIN,
        "uniform teacher": witness.get("undecided", 0.0) > ALL_BINS,
        "no learning": record.idle,
    }
    if expected == "dimensional collapse" and spread < POINT:
        return "complete collapse"
    if expected == "complete collapse" and POINT <= spread < FAINT:
        return OPEN if record.learned else SICK  # a collapse that is not complete yet has no unique name
    if expected in confirmed:
        return expected if confirmed[expected] else OPEN
    return SICK if record.idle else OPEN


def _by_what_it_learned(record: Record) -> str:
    return "healthy" if record.learned else SICK if record.idle else OPEN


def outcome(case: Case, record: Record) -> Outcome:
    """Judges the measurements."""
    truth = truth_of(case, record)
    verdicts = record.verdicts(case.config)
    right = [is_right(each, truth) for each in verdicts]
    since = next((i for i in range(len(verdicts)) if all(right[i:])), None)
    return Outcome(case, truth, verdicts[-1], None if since is None else verdicts[since].step)


def run(target: Path, only: str = "", train_missing: bool = True) -> Iterator[Outcome]:
    """Measures each case that is not in `target` yet, and judges it; cases measured before are judged again.

    only: part of a name. train_missing: without it, cases without measurements are left out.
    """
    kept: dict[str, dict[str, Record]] = {}
    for case in cases():
        if only not in case.name:
            continue
        file = target / f"{case.data}{RECORDS}"
        records = kept[case.data] = kept[case.data] if case.data in kept else read(file)
        if case.name not in records or records[case.name].settings != case.settings:
            if not train_missing:
                continue
            records[case.name] = measured(case)
            write(file, records)
        yield outcome(case, records[case.name])


def read(file: Path) -> dict[str, Record]:
    """Name of a case -> its measurements."""
    if not file.exists():
        return {}
    kept = json.loads(gzip.decompress(file.read_bytes()))
    return {name: Record(**each | {"measures": [(step, values) for step, values in each["measures"]]}) for name, each in kept.items()}


def write(file: Path, records: Mapping[str, Record]) -> None:
    """The inverse of `read`; the same records give the same bytes. The file is replaced atomically."""
    file.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({name: vars(each) for name, each in sorted(records.items())}, separators=(",", ":"))
    draft = file.with_suffix(".part")
    draft.write_bytes(gzip.compress(text.encode(), mtime=0))
    put_in_place(draft, file)
