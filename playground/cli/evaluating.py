"""An evaluation on the command line: its progress and its tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from playground import results
from playground.config import CHOICES
from playground.datasets import DataError, load_images
from playground.evaluation import ledger
from playground.evaluation.contest import Sets, evaluate, most_confused
from playground.evaluation.events import Event, Remark
from playground.evaluation.ledger import Document
from playground.evaluation.protocol import CONTENDERS, Protocol
from playground.home import home
from playground.runs.read_again import read_before_evaluation
from playground.runs.store import Store
from playground.runs.trained import Trained, trained
from playground.training.faults import NotFiniteError, not_evaluable

PATIENCE = 5.0  # seconds to wait for a page that holds the lock only for a check


def evaluated(store: Store, run: str, protocol: Protocol) -> Iterable[Document]:
    """Evaluates a run's last checkpoint and writes the results to its folder; yields them as they grow.

    Raises UnknownRun, and ValueError if the run cannot be evaluated or is being evaluated already.
    """
    found = trained(store, run)
    other = _transfer(protocol)
    folder = store.folder(run).path
    lock = ledger.lock(folder)
    if not lock.take(PATIENCE):
        raise ValueError(f"run {run} must not be under evaluation, got one that is being evaluated: wait for its end or stop it")
    try:
        document = ledger.new(run, found.step, protocol)
        ledger.write(folder, document)
        now = store.run(run)  # with the current state of its dataset, which may have been read again since the network was loaded
        events = evaluate(found.config, found.method, _own(now.config), protocol, other)
        yield from ledger.recorded(folder, document, _finite(events, found, read_before_evaluation(now)))
    finally:
        lock.release()


def _finite(events: Iterable[Event], found: Trained, remark: str) -> Iterator[Event]:
    """The events after a remark; values that are not finite raise ValueError with a sentence that names the run and the step."""
    if remark:
        yield Remark(remark)
    try:
        yield from events
    except NotFiniteError as error:
        raise ValueError(not_evaluable(str(error), found.run, found.step, found.config)) from None


def _own(config: Any) -> Sets | DataError:
    try:
        return sets(config.data)
    except DataError as error:
        return error


def _transfer(protocol: Protocol) -> Sets | None:
    """The other dataset, which must be downloaded already: an evaluation downloads nothing."""
    if "transfer" not in protocol.parts:
        return None
    return sets(CHOICES["data"][protocol.transfer].Knobs())


def sets(data: Any) -> Sets:
    """Training images, and test images, which are neither training nor probe images."""
    folder = home() / "data"
    return load_images(data, folder)[0], data.choice.test(data, folder)


def watched(documents: Iterable[Document]) -> Document:
    """Shows a progress bar on standard error until the end; returns the last document."""
    last: Document = {}
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TextColumn("{task.percentage:3.0f}%"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("evaluating", total=1.0)
        for last in documents:
            bar.update(task, description=last["doing"], completed=last["done"])
    return last


def show(document: Document) -> None:
    """The results as tables."""
    console, about = Console(), document["about"]
    if about:
        task = f"step {document['step']:,}: {escape(about['factor'])} of {about['data']}"
        drawn = f", of which each seed draws {about['labeled']:,}" if about["labeled"] < about["known"] else ""
        images = f"{about['known']:,} labeled images{drawn}; tested on {about['tested']:,} others; chance {about['chance']:.1%}"
        console.print(f"[bold]Run {document['run']}[/bold], {task}, {images}")
        console.print(_labels(document))
        if document["confusion"]:
            pairs = [f"{true} as {called} {share:.0%}" for true, called, share in most_confused(document["confusion"], about["names"])]
            if pairs:
                console.print("most confused: " + "; ".join(pairs), markup=False)
    for part, columns in (("robustness", ("operator", "strength")), ("transfer", ("data",))):
        table = _table(document, part, columns)
        if table.row_count:
            console.print(table)
    for sentence in document["remarks"]:
        console.print(sentence, markup=False, style="yellow")


def _labels(document: Document) -> Table:
    rows = [each for each in ledger.summary(document["scores"]) if each["part"] == "labels"]
    shares = sorted({each["share"] for each in rows})
    heads = [f"{100 * share:.3g}% ({next(each['labeled'] for each in rows if each['share'] == share):,} labels)" for share in shares]
    table = results.table("accuracy, mean (range over seeds and test images)", *heads)
    for who, title in CONTENDERS.items():
        cells = [
            next((_cell(each, document["about"]["uneven"]) for each in rows if (each["who"], each["share"]) == (who, share)), "")
            for share in shares
        ]
        if any(cells):
            table.add_row(title, *cells)
    return table


def _table(document: Document, part: str, columns: tuple[str, ...]) -> Table:
    rows = [each for each in ledger.summary(document["scores"]) if each["part"] == part]
    who = list(dict.fromkeys(each["who"] for each in rows))
    table = results.table(part, *columns[1:], *(CONTENDERS.get(each, each) for each in who))
    for place in dict.fromkeys(tuple(each[name] for name in columns) for each in rows):
        here = {each["who"]: _cell(each) for each in rows if tuple(each[name] for name in columns) == place}
        table.add_row(*(f"{each:g}" if isinstance(each, float) else escape(each) for each in place), *(here.get(each, "") for each in who))
    return table


def _cell(row: dict[str, Any], uneven: bool = False) -> str:
    """The mean and the ends of its bar, and for uneven classes the mean over classes."""
    classes = f", classes {row['balanced']:.3f}" if uneven and row["balanced"] is not None else ""
    return f"{row['mean']:.3f} ({row['low']:.3f} to {row['high']:.3f}){classes}"
