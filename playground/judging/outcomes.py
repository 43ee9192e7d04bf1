"""How often the collapse judge is right: runs whose outcome is known are trained, judged at every measured step, and counted.

    ssl-playground judge        hours on a CPU; goes on where it stopped, and judges what is measured already anew

Which runs, and what each should be called: `known_cases`. A run whose outcome its method leaves open ("may collapse") is judged and
listed, but counts for nothing; so does a run that became something else than was intended, as the witness beside the judge says.
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
from playground.training.run import train

FACTS = ("layers", "bins", "probe", "about", "pictures", "labeled")
PACE = "views_per_second"  # the one number that is not about the run
MEASURED_AT = (30, 50, 75, *range(100, 10_000, 30))  # enough to see whether verdicts stay
DIGITS = 5
TABLE, FIGURE, MARGINS, RECORDS = "runs.csv", "confusion.svg", "margins.svg", ".json.gz"
POINT, FAINT, FEW = 0.1, 0.3, 1.5  # a spread like that of one point, a faint one, and so few dimensions that they are hardly more than one
ONE_BIN, ALL_BINS = 2.0, 0.97


@dataclass(frozen=True)
class Record:
    """What was measured of one run: the judge's numbers at every measured step. failed: at which step and why, if it did.

    losses: of every step; witness: what `witness.testimony` said of it at the end. Those measured in earlier versions have neither.
    """

    settings: dict[str, Any]
    facts: dict[str, Any]
    measures: list[tuple[int, dict[str, float]]]
    failed: tuple[int, str] | None = None
    losses: list[float] = field(default_factory=list)
    witness: dict[str, float] = field(default_factory=dict)

    @property
    def learned(self) -> bool:
        """Whether neighbors know what the data set is about better than before training, by more than chance where a witness spoke."""
        if self.witness:
            return gain_in_errors(self.witness) >= SURE
        name = metric("knn", self.facts["about"])
        return self.measures[-1][1][name] > self.measures[0][1][name]

    @property
    def idle(self) -> bool:
        """Whether they know it no better. Between this and `learned` nobody knows."""
        return gain_in_errors(self.witness) <= IDLE if self.witness else not self.learned

    def verdicts(self, config: RunConfig) -> list[Verdict]:
        """What the judge says at each of these steps."""
        subject, start = RunContext.of_run(config, self.facts), self.measures[0][1]
        said: list[Verdict] = []
        for step, values in self.measures[1:]:
            course = LossCourse(self.losses[:step]).values() or self._older_course(step)
            said.append(judge(step, values | course, start, subject, said[-1] if said else None))
        return said + ([diverged(*self.failed)] if self.failed else [])

    def _older_course(self, step: int) -> dict[str, float]:
        """Of runs measured in earlier versions only the recent mean is known, at each measured step, and the first loss."""
        means = [values["loss"] for at, values in self.measures if at <= step and "loss" in values]
        return {"loss": means[-1], "loss/start": means[0]} if len(means) > 1 else {}


def measured(case: Case) -> Record:
    """Trains one run and keeps what its judge was told, and what the witness says. Raises ValueError where it cannot begin."""
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
    """Everything that was measured, in as many digits as matter."""
    return {name: float(f"{value:.{DIGITS}g}") for name, value in values.items() if name != PACE}


@dataclass(frozen=True)
class Outcome:
    """One case, judged. truth: what it became; said: the last verdict; detected_at: since which step it was right to the end, or None."""

    case: Case
    truth: str
    said: Verdict
    detected_at: int | None

    @property
    def right(self) -> bool:
        """Whether the last verdict is what it should be."""
        return is_right(self.said, self.truth)


def is_right(said: Verdict, truth: str) -> bool:
    """A collapse of the projector alone, over a living backbone, has a name of its own, and is a collapse of its kind all the same."""
    if truth == SICK:
        return said.state not in ("healthy", "unclear", "starting")
    return said.state == truth or (said.state == "projector collapse" and said.layers.get("projector") == truth)


def truth_of(case: Case, record: Record) -> str:
    """What the run became: what was intended, where the witness confirms it; else `OPEN`. Decided without the judge."""
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
    """The kind of an intended failure, as far as the witness sees it."""
    said = record.witness
    spread, dimensions = said.get("projector/spread", said["spread"]), said.get("projector/dimensions", said["dimensions"])
    seen = {
        "complete collapse": spread < POINT,
        "dimensional collapse": dimensions < FEW,
        "cluster collapse": said.get("used", ONE_BIN) < ONE_BIN or said.get("undecided", 0.0) > ALL_BINS,
        "one-hot teacher": said.get("used", ONE_BIN) < ONE_BIN,
        "uniform teacher": said.get("undecided", 0.0) > ALL_BINS,
        "no learning": record.idle,
    }
    if expected == "dimensional collapse" and spread < POINT:
        return "complete collapse"
    if expected == "complete collapse" and POINT <= spread < FAINT:
        return OPEN if record.learned else SICK  # on its way, and what to call it is anybody's choice
    if expected in seen:
        return expected if seen[expected] else OPEN
    return SICK if record.idle else OPEN


def _by_what_it_learned(record: Record) -> str:
    return "healthy" if record.learned else SICK if record.idle else OPEN


def outcome(case: Case, record: Record) -> Outcome:
    """Judges what was measured."""
    truth = truth_of(case, record)
    said = record.verdicts(case.config)
    right = [is_right(each, truth) for each in said]
    since = next((i for i in range(len(said)) if all(right[i:])), None)
    return Outcome(case, truth, said[-1], None if since is None else said[since].step)


def run(target: Path, only: str = "", train_missing: bool = True) -> Iterator[Outcome]:
    """Measures each case that `target` does not hold yet, and judges it; what was measured before is judged anew.

    only: part of a name. train_missing: without it, cases that are not measured are left out.
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
    """Case by name -> what was measured of it."""
    if not file.exists():
        return {}
    kept = json.loads(gzip.decompress(file.read_bytes()))
    return {name: Record(**each | {"measures": [(step, values) for step, values in each["measures"]]}) for name, each in kept.items()}


def write(file: Path, records: Mapping[str, Record]) -> None:
    """The inverse of `read`; the same records give the same bytes, and a file is whole or as it was."""
    file.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({name: vars(each) for name, each in sorted(records.items())}, separators=(",", ":"))
    draft = file.with_suffix(".part")
    draft.write_bytes(gzip.compress(text.encode(), mtime=0))
    draft.replace(file)
