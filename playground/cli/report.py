"""The output of one run for people: a progress bar, a table at the end, and the summary for `--json`."""

from __future__ import annotations

import statistics
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from playground import results
from playground.config import RunConfig
from playground.diagnostics import CATALOG
from playground.events import Baseline, Checkpoint, Event, Fetching, Finished, Metrics, Started, Verdict
from playground.judging.witness import UNTRAINED, require_witness, testimony
from playground.methods import CATALOG as METHODS
from playground.methods import Measure
from playground.metric_names import by_factor, by_metric


def summarize(config: RunConfig, events: Iterable[Event], witness: bool = False) -> dict[str, Any]:
    """Trains to the end and summarizes: {"run", "status", "config", "steps", "seconds", ..., "final", "baseline", "verdict"}.

    witness: also the k-NN accuracy on training images, by `playground.judging.witness`: "witness/knn" and "witness/gain".
    """
    summary: dict[str, Any] = {"run": uuid.uuid4().hex[:10], "status": "", "config": config.flat(), "steps": 0}
    final: dict[str, float] = {}
    about, weights = "", None
    for event in events:
        match event:
            case Started(_, facts):
                summary |= {name: facts[name] for name in ("data", "unmeasured") if facts.get(name)}
                about = str(facts["about"])
                if witness:  # checked when the data are there, before the first step
                    require_witness(config)
            case Checkpoint(_, state):
                weights = state["method"]
            case Metrics(_, values):
                final |= values
            case Baseline(_, values):
                summary["baseline"] = values
            case Verdict(step):
                summary["verdict"] = {name: value for name, value in vars(event).items() if name != "step"} | {"step": step}
            case Finished(step, status, message, facts):
                summary |= {"steps": step, "status": status} | facts | ({"message": message} if message else {})
    final.pop("views_per_second", None)
    if witness and weights is not None:
        measured = testimony(config, weights, about)
        final |= {"witness/knn": measured["knn"], "witness/gain": measured["knn"] - measured[UNTRAINED]}
        summary["baseline"]["random"]["witness/knn"] = measured[UNTRAINED]
    return summary | {"final": final}


def watched(config: RunConfig, events: Iterable[Event]) -> Iterator[Event]:
    """Passes events on and shows a progress bar on standard error."""
    columns = (
        TextColumn("{task.description}", markup=False),  # it may contain the name of a user's dataset
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(f"{config.method.name} on {config.data.name}", total=config.steps, note="")
        notes: dict[str, float] = {}
        for event in events:
            match event:
                case Started(_, facts):
                    if since := facts.get("data", {}).get("since"):
                        notice = f"{config.data.name} is used as it was read on {facts['data']['read']}; changes since then: {since}"
                        bar.console.print(notice, markup=False, highlight=False)
                case Fetching(_, what, done, total, unit):
                    bar.update(
                        task, description=f"{'fetching' if unit == 'bytes' else 'decoding'} {what}", completed=done, total=total or None
                    )
                case Metrics(step, values):
                    notes |= {name: values[name] for name in values if name == "loss"} | by_metric("knn", by_factor("knn", values))
                    shown = "  ".join(f"{name} {value:.3f}" for name, value in list(notes.items())[:3])
                    bar.update(
                        task, description=f"{config.method.name} on {config.data.name}", completed=step, total=config.steps, note=shown
                    )
            yield event


def show(summary: dict[str, Any]) -> None:
    """The results of a run as a table with its baselines, and the verdict."""
    console = Console()
    config, baseline = summary["config"], summary.get("baseline", {})
    if "seconds" in summary:
        pace = f"{summary.get('views_per_second', 0):.0f} views/s, diagnostics {summary['diagnostics_share']:.1%} of the training time"
        done = f"{summary['status']} after {summary['steps']} steps in {summary['seconds']:.0f} s"
        console.print(f"[bold]{config['method']} on {config['data']}[/bold], seed {config['seed']}: {done}, {pace}")
    own = METHODS[config["method"]].measures
    table = results.table("measure", "at the end", *baseline, "how to read it")
    for name, value in summary["final"].items():
        cells = [f"{baseline[each][name]:.3f}" if name in baseline[each] else "" for each in baseline]
        table.add_row(name, f"{value:.4g}", *cells, _good(name, own))
    if table.row_count:
        console.print(table)
    for why in summary.get("unmeasured", {}).values():
        console.print(f"{why[:1].upper()}{why[1:]}.", markup=False, highlight=False)
    if summary["status"] == "failed":
        Console(stderr=True).print(f"ssl-playground: {summary['message']}", style="red", markup=False, soft_wrap=True)
    elif "verdict" in summary:
        _judged(console, summary["verdict"])


def spread(summaries: Sequence[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """{"mean", "lowest", "highest"} of each final measure that all runs have; "random": the mean before training, if known."""
    ends, starts = _of_all([each["final"] for each in summaries]), _of_all([_untrained(each) for each in summaries])
    before = {name: {"random": statistics.fmean(values)} for name, values in starts.items()}
    after = {name: {"mean": statistics.fmean(each), "lowest": min(each), "highest": max(each)} for name, each in ends.items()}
    return {name: each | before.get(name, {}) for name, each in after.items()}


def _of_all(runs: Sequence[Mapping[str, float]]) -> dict[str, list[float]]:
    """The values of each measure that all runs have."""
    return {name: [each[name] for each in runs] for name in runs[0] if all(name in each for each in runs)}


def _untrained(summary: Mapping[str, Any]) -> Mapping[str, float]:
    """The metrics with random weights."""
    values: Mapping[str, float] = summary.get("baseline", {}).get("random", {})
    return values


def show_spread(summaries: Sequence[dict[str, Any]]) -> None:
    """The results of several runs with different seeds as one table, and the judge's verdicts."""
    console, config = Console(), summaries[0]["config"]
    seeds = f"seeds {config['seed']} to {summaries[-1]['config']['seed']}"
    console.print(f"[bold]{config['method']} on {config['data']}[/bold], {seeds}: {summaries[0]['steps']} steps each")
    table = results.table("measure", "random weights, mean", "mean", "lowest", "highest")
    for name, each in spread(summaries).items():
        table.add_row(name, *(f"{each[part]:.4g}" if part in each else "" for part in ("random", "mean", "lowest", "highest")))
    console.print(table)
    states = Counter(each["verdict"]["state"] if "verdict" in each else each["status"] for each in summaries)
    console.print(", ".join(f"{state}: {count}" for state, count in states.most_common()))


def _judged(console: Console, verdict: Mapping[str, Any]) -> None:
    """The verdict, the advice, and every rule that holds."""
    console.print(f"[bold]{verdict['state']}[/bold]: {verdict['sentence']}")
    if verdict["advice"]:
        console.print(f"What to change: {verdict['advice']}", markup=False)
    if verdict["layers"]:
        console.print(", ".join(f"{layer}: {state}" for layer, state in verdict["layers"].items()), style="dim")
    for each in verdict["checks"]:
        if each["holds"]:
            where = f" of the {each['layer']}" if each["layer"] else ""
            rule = f"{each['what']}{where} is {each['value']:.3g}, {each['side']} {each['limit']:.3g}: {each['says']}"
            console.print(f"  {rule}", markup=False)


def markdown_table() -> str:
    """README's table of methods, made from the classes."""
    rows = [
        f"| `{name}` | {each.family} | {each.summary} [{each.paper.partition(':')[0]}]({each.link}) |" for name, each in METHODS.items()
    ]
    return "\n".join(["| method | family | what it does |", "|---|---|---|", *rows])


def _good(name: str, own: Mapping[str, Measure]) -> str:
    measure = own.get(name) or CATALOG.get(name.rpartition("/")[2])
    return measure.good if measure else ""
