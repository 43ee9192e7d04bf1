"""How often the collapse judge is right: runs whose fate is known beforehand are trained, judged at every measured step, and counted.

    ssl-playground judge        an hour and more on a CPU; goes on where it stopped, and judges what is measured already anew

What a run should be called follows from what was broken in it: a safeguard that is off says so itself, in its method's file. A run
whose fate its method leaves open ("may collapse") is judged and listed, but counts for nothing; so does a run that should have been
healthy, but whose neighbors agree on the data set's subject less often than at random weights.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from playground.config import RunConfig, knobs_for
from playground.diagnostics.rules import Subject
from playground.diagnostics.verdict import diverged, judge
from playground.events import Finished, Metrics, Started, Verdict
from playground.methods import CATALOG
from playground.training import recent_loss, train

STEPS = 300
OPEN = "open"
STATES = (
    "healthy",
    "complete collapse",
    "dimensional collapse",
    "projector collapse",
    "cluster collapse",
    "one-hot teacher",
    "uniform teacher",
    "shortcut",
    "no learning",
    "divergence",
)
SMALL = {"network": "resnet-tiny", "batch_size": 128}
NO_COLOR = {"augment.jitter_probability": 0, "augment.grayscale_probability": 0}
FACTS = ("layers", "bins", "probe", "about")
USED = ("feature_std", "rankme_centered", "uniformity", "view_agreement", "moved", "loss", "perplexity", "entropy")
BY_FACTOR = ("knn/", "explained/")
DIGITS = 5
MEASURED, TABLE, FIGURE = "measured.json.gz", "runs.csv", "confusion.svg"


@dataclass(frozen=True)
class Case:
    """One run and what the judge should call it; `OPEN` where nobody knows beforehand."""

    name: str
    settings: dict[str, Any]
    expected: str

    @property
    def config(self) -> RunConfig:
        """The whole of its settings."""
        return RunConfig(**{"steps": STEPS, "device": "cpu"} | self.settings)


def cases() -> list[Case]:
    """Every method with safeguards: as it is, without each of them, without color jitter, hardly moving, small; and some extremes."""
    found = []
    for name, method in CATALOG.items():
        safeguards = [each for each in knobs_for(method=name) if each.without]
        if not safeguards:
            continue
        found.append(Case(f"{name}", {"method": name}, "healthy"))
        found += [Case(f"{name} without {each.title}", {"method": name, each.key: False}, _named(each.without)) for each in safeguards]
        if method.views > 1:
            small = {"method": name} | SMALL
            found.append(Case(f"{name}, small, seed 1", small | {"seed": 1}, "healthy"))
            found.append(Case(f"{name}, small, no color jitter", small | NO_COLOR, "shortcut"))
            found.append(Case(f"{name}, small, learning rate 1e-6", small | {"optimizer.learning_rate": 1e-6}, "no learning"))
    return found + [Case(name, settings, expected) for name, expected, settings in EXTREMES]


def _named(without: str | None) -> str:
    """What a safeguard's own text says of a run without it, where that is one of the states."""
    return without if without in STATES else OPEN


EXTREMES = (
    ("simclr, small, temperature 0.01", OPEN, {"method": "simclr", "method.temperature": 0.01} | SMALL),
    ("simclr, learning rate x 100", OPEN, {"method": "simclr", "optimizer.learning_rate": 0.3}),
    ("moco, small, momentum 0", OPEN, {"method": "moco", "method.momentum": 0} | SMALL),
    ("byol, small, momentum 0", OPEN, {"method": "byol", "method.momentum": 0} | SMALL),
    ("byol, small, momentum 1", OPEN, {"method": "byol", "method.momentum": 1} | SMALL),
    ("dino, small, momentum 1", OPEN, {"method": "dino", "method.momentum": 1} | SMALL),
    ("vicreg, small, variance weight 0", "complete collapse", {"method": "vicreg", "method.variance_weight": 0} | SMALL),
    ("align-uniform, small, uniformity weight 0", "complete collapse", {"method": "align-uniform", "method.uniformity_weight": 0} | SMALL),
    *(
        (f"{name}, small, SGD at 10", OPEN, {"method": name, "optimizer": "sgd", "optimizer.learning_rate": 10} | SMALL)
        for name in ("simclr", "byol", "swav", "barlow-twins", "autoencoder")
    ),
    ("vicreg, small, SGD at 10", "divergence", {"method": "vicreg", "optimizer": "sgd", "optimizer.learning_rate": 10} | SMALL),
    ("mae, learning rate x 100", OPEN, {"method": "mae", "optimizer.learning_rate": 0.5}),
)


@dataclass(frozen=True)
class Record:
    """What was measured of one run: the judge's numbers at every measured step. failed: at which step and why, if it did."""

    settings: dict[str, Any]
    facts: dict[str, Any]
    measures: list[tuple[int, dict[str, float]]]
    failed: tuple[int, str] | None = None

    @property
    def learned(self) -> bool:
        """Whether neighbors agree on what the data set is about more often than at random weights: a witness beside the judge."""
        name = f"knn/{self.facts['about']}"
        return self.measures[-1][1][name] > self.measures[0][1][name]

    def verdicts(self, config: RunConfig) -> list[Verdict]:
        """What the judge says at each of these steps."""
        subject, start = Subject.of_run(config, self.facts), dict(self.measures[0][1])
        said = [judge(step, values, start, subject) for step, values in self.measures if step]
        return said + ([diverged(*self.failed)] if self.failed else [])


def measured(case: Case) -> Record:
    """Trains one run and keeps what its judge was told."""
    facts: dict[str, Any] = {}
    measures: list[tuple[int, dict[str, float]]] = []
    losses: list[float] = []
    failed = None
    for event in train(case.config):
        match event:
            case Started(_, found):
                facts = {name: found[name] for name in FACTS}
            case Metrics(step, values) if "feature_std" in values:
                measures.append((step, _kept(values) | recent_loss(losses)))
            case Metrics(_, values):
                losses.append(values["loss"])
            case Finished(step, "failed", message):
                failed = (step, message)
    measures[0][1].update({"loss": losses[0]} if losses else {})
    return Record(case.settings, facts, measures, failed)


def _kept(values: Mapping[str, float]) -> dict[str, float]:
    """The numbers that the judge looks at, in as many digits as matter."""
    kept = {name: value for name, value in values.items() if name.startswith(BY_FACTOR) or name.rpartition("/")[2] in USED}
    return {name: float(f"{value:.{DIGITS}g}") for name, value in kept.items()}


@dataclass(frozen=True)
class Outcome:
    """One case, judged. said: the last verdict; knew: the step from which on it was right to the end, None where it was not."""

    case: Case
    said: Verdict
    knew: int | None

    @property
    def right(self) -> bool:
        """Whether the last verdict is what was expected."""
        return is_right(self.said, self.case.expected)


def is_right(said: Verdict, expected: str) -> bool:
    """A collapse of the projector alone, over a living backbone, has a name of its own, and is a collapse of its kind all the same."""
    return said.state == expected or (said.state == "projector collapse" and said.layers.get("projector") == expected)


def outcome(case: Case, record: Record) -> Outcome:
    """Judges what was measured."""
    if case.expected == "healthy" and not record.learned:
        case = replace(case, expected=OPEN)
    said = record.verdicts(case.config)
    right = [is_right(each, case.expected) for each in said]
    since = next((i for i in range(len(said)) if all(right[i:])), None)
    return Outcome(case, said[-1], None if since is None else said[since].step)


def confusion(outcomes: Iterable[Outcome]) -> dict[tuple[str, str], int]:
    """(expected, said) -> how many runs, those whose fate is open left out."""
    return Counter((each.case.expected, each.said.state) for each in outcomes if each.case.expected != OPEN)


def summary(outcomes: list[Outcome]) -> str:
    """Both goals, in a sentence each."""
    healthy = [each for each in outcomes if each.case.expected == "healthy"]
    broken = [each for each in outcomes if each.case.expected not in ("healthy", OPEN)]
    wrong, named = sum(not each.right for each in healthy), sum(each.right for each in broken)
    knew = sorted(each.knew for each in broken if each.knew is not None)
    middle = knew[len(knew) // 2] if knew else None
    return (
        f"{len(healthy)} healthy runs, {wrong} of them called something else. "
        f"{len(broken)} broken runs, {named} named rightly ({named / max(len(broken), 1):.0%}); "
        f"half of these were known by step {middle}. {len(outcomes) - len(healthy) - len(broken)} runs whose fate was open."
    )


def run(target: Path, only: str = "") -> Iterator[Outcome]:
    """Measures each case that `target` does not hold yet, and judges it; what was measured before is judged anew. only: part of a name."""
    records = read(target / MEASURED)
    for case in cases():
        if only not in case.name:
            continue
        if case.name not in records or records[case.name].settings != case.settings:
            records[case.name] = measured(case)
            write(target / MEASURED, records)
        yield outcome(case, records[case.name])


def read(file: Path) -> dict[str, Record]:
    """Case by name -> what was measured of it."""
    if not file.exists():
        return {}
    kept = json.loads(gzip.decompress(file.read_bytes()))
    return {name: Record(**each | {"measures": [(step, values) for step, values in each["measures"]]}) for name, each in kept.items()}


def write(file: Path, records: Mapping[str, Record]) -> None:
    """The inverse of `read`; the same records give the same bytes."""
    file.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({name: vars(each) for name, each in sorted(records.items())}, separators=(",", ":"))
    file.write_bytes(gzip.compress(text.encode(), mtime=0))


def as_csv(outcomes: Iterable[Outcome]) -> str:
    """One row a run."""
    file = io.StringIO()
    rows = csv.writer(file, lineterminator="\n")
    rows.writerow(["run", "expected", "said", "projector", "backbone", "right", "known from step", "why"])
    for each in outcomes:
        right = "" if each.case.expected == OPEN else "yes" if each.right else "no"
        layers = [each.said.layers.get(layer, "") for layer in ("projector", "backbone")]
        knew = "" if each.knew is None else each.knew
        rows.writerow([each.case.name, each.case.expected, each.said.state, *layers, right, knew, each.said.sentence])
    return file.getvalue()


def as_svg(outcomes: list[Outcome]) -> str:
    """The confusion matrix as a picture: a row for what was expected, a column for what was said; right answers are blue."""
    counts, cell, left, top = confusion(outcomes), 46, 170, 150
    right = {(each.case.expected, each.said.state) for each in outcomes if each.right}
    rows = [state for state in STATES if any(expected == state for expected, _ in counts)]
    width, height = left + cell * len(STATES) + 60, top + cell * len(rows) + 20
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="13">',
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
        f'<text x="12" y="24" font-weight="bold">expected, and said by step {STEPS}</text>',
    ]
    for x, said in enumerate(STATES):
        at = left + cell * (x + 0.6)
        parts.append(f'<text transform="translate({at:.0f} {top - 10}) rotate(-50)">{said}</text>')
    for y, expected in enumerate(rows):
        parts.append(f'<text x="{left - 10}" y="{top + cell * (y + 0.6):.0f}" text-anchor="end">{expected}</text>')
        for x, said in enumerate(STATES):
            count = counts.get((expected, said), 0)
            color = "#f2f2f2" if not count else "#0072b2" if (expected, said) in right else "#d55e00"
            place = f'x="{left + cell * x}" y="{top + cell * y}"'
            parts.append(f'<rect {place} width="{cell - 2}" height="{cell - 2}" rx="4" fill="{color}"/>')
            if count:
                middle = f'x="{left + cell * (x + 0.48):.0f}" y="{top + cell * (y + 0.58):.0f}"'
                parts.append(f'<text {middle} text-anchor="middle" fill="#fff" font-weight="bold">{count}</text>')
    return "\n".join([*parts, "</svg>", ""])
