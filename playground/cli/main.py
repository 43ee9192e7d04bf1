"""ssl-playground [serve] | train | evaluate | methods | data | judge | bench: the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from playground.cli import data as data_cli
from playground.cli.judging import judge
from playground.home import HomeError, home, site, unwritable
from playground.results import Unwritten, write

app = typer.Typer(
    name="ssl-playground",
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    add_completion=False,
    help="Choose a self-supervised method, press Start, and watch the representation develop.\n\n"
    "Without a command, it serves the page. All data are in one folder: [bold]SSL_PLAYGROUND_HOME[/bold], "
    "or your user data folder.",
)
app.add_typer(data_cli.app)
Port = Annotated[
    int,
    typer.Option(
        envvar="STREAMLIT_SERVER_PORT",
        min=1,
        max=65535,
        help="The port of the server: http://localhost:PORT, and in the network at this machine's address.",
    ),
]
Witness = Annotated[
    bool,
    typer.Option(
        "--witness",
        help="Also measure the k-NN accuracy on 2,000 training images with 3,000 other labeled ones, and its gain over random weights.",
    ),
]
JsonFile = Annotated[Path | None, typer.Option("--json", dir_okay=False, help="Also write the result to this file.")]


def main() -> None:
    """The console script: a wrong setting or a full disk ends with one sentence, not with a traceback."""
    try:
        app()
    except (ValueError, HomeError, Unwritten) as error:
        Console(stderr=True).print(f"ssl-playground: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
        sys.exit(1 if isinstance(error, Unwritten) else 2)
    except KeyboardInterrupt:
        sys.exit(130)


@app.callback(invoke_without_command=True)
def default(context: typer.Context, port: Port = 8501) -> None:
    """Serves the page when no command is given."""
    if context.invoked_subcommand is None:
        serve(port)


@app.command()
def serve(port: Port = 8501) -> None:
    """Serve the page, by default at http://localhost:8501.

    Many people can use one server: runs wait in a queue that is fair to each person.
    """
    if refused := unwritable(home()):  # checked first, because a server takes seconds to start
        raise refused
    typer.echo(f"SSL Playground stores runs and data in {home()}. Press Ctrl+C to stop it.")
    environment = os.environ | {"SSL_PLAYGROUND_HOME": str(home())}
    options = ["--server.port", str(port), "--server.showEmailPrompt", "false"]
    command = [sys.executable, "-m", "playground.machine.processes", "run", "app.py", *options]
    if os.name == "posix":  # becomes the server, so that signals reach it
        os.chdir(site())
        os.execve(sys.executable, command, environment)
    sys.exit(subprocess.call(command, cwd=site(), env=environment))


@app.command()
def train(
    method: Annotated[str, typer.Option(help="The method; `ssl-playground methods` lists all.")] = "simclr",
    data: Annotated[str, typer.Option(help="The dataset; `ssl-playground data list` lists all.")] = "shapes",
    steps: Annotated[
        str | None, typer.Option(help="How many times the weights are updated; by default the suggestion of the method.")
    ] = None,
    seed: Annotated[str, typer.Option(help="The same seed gives the same run.")] = "0",
    seeds: Annotated[
        int,
        typer.Option(
            min=1, max=100, help="The number of runs, with this seed and the next ones; shows their mean, lowest and highest value."
        ),
    ] = 1,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="SECTION.FIELD=VALUE", help="Any other setting; can be repeated."),
    ] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda, mps, or auto.")] = "auto",
    witness: Witness = False,
    json_file: JsonFile = None,
) -> None:
    """Train one run, with a progress bar and the final diagnostics.

    [bold]Try[/bold]

      ssl-playground train --method simclr --data shapes --steps 300

      ssl-playground train --set method.temperature=0.5 --set augment.hue=0

      ssl-playground train --method byol --set method.stop_gradient=false

      ssl-playground train --seeds 10

      ssl-playground train --data cifar10 --seeds 5 --witness

    The names are those in the address of the page: method.temperature there is `--set method.temperature=` here.
    """
    from playground.cli.report import show, show_spread, spread, summarize, watched
    from playground.config import RunConfig
    from playground.machine.core_sharing import share_cores
    from playground.machine.memory import keep_memory
    from playground.training.run import train as run

    share_cores()
    keep_memory()
    given = {"method": method, "data": data, "seed": seed, "device": device} | dict(_setting(each) for each in settings or [])
    first = RunConfig(**given | ({} if steps is None else {"steps": steps}))
    configs = [RunConfig(**first.flat() | {"seed": first.seed + number}) for number in range(seeds)]
    _require_writable(json_file)
    summaries = [summarize(config, watched(config, run(config)), witness) for config in configs]
    if len(summaries) == 1:
        show(summaries[0])
        write(json_file, summaries[0])
    else:
        show_spread(summaries)
        write(json_file, {"runs": summaries, "spread": spread(summaries)})
    if any(each["status"] == "failed" for each in summaries):
        sys.exit(1)


@app.command()
def evaluate(
    run: Annotated[str, typer.Argument(help="The id of a run, the `run=` in the address of its page.")],
    factor: Annotated[str | None, typer.Option(help="The factor to predict; by default the first one of the dataset.")] = None,
    shares: Annotated[str | None, typer.Option(help="Shares of the labels, as in 0.01,0.1,1.")] = None,
    seeds: Annotated[str | None, typer.Option(help="The number of repetitions, with other labels, order and initial weights.")] = None,
    only: Annotated[
        str | None,
        typer.Option(help="Some of linear, knn_classifier, tuned, scratch, untrained, pixels, robustness, transfer, separated by commas."),
    ] = None,
    transfer: Annotated[str | None, typer.Option(metavar="DATA", help="Another dataset on which the features are also tested.")] = None,
    labels: Annotated[
        str | None, typer.Option(help="The largest number of labels, which is 100%; a seed uses at most four fifths of all labels.")
    ] = None,
    steps: Annotated[str | None, typer.Option(help="The number of steps of fine-tuning and of training from scratch.")] = None,
    json_file: JsonFile = None,
    background: Annotated[bool, typer.Option(hidden=True)] = False,
) -> None:
    """Measure what a run has learned: linear probe, k-NN classifier, fine-tuning, training from scratch, with few labels and many.

    Each result is the mean over seeds, with its range over seeds and test images. All results are stored in the run's folder.

    [bold]Try[/bold]

      ssl-playground evaluate abcd2345

      ssl-playground evaluate abcd2345 --only linear,knn_classifier --transfer cifar10

      ssl-playground evaluate abcd2345 --shares 0.01,0.1,1 --labels 10000 --steps 600 --json curve.json
    """
    if background:
        from playground.machine.background import run_in_background

        run_in_background()
    from playground.cli.evaluating import evaluated, show, watched
    from playground.evaluation.protocol import Protocol
    from playground.runs.records import UnknownRun
    from playground.runs.store import Store

    given = {"parts": only, "factor": factor, "shares": shares, "seeds": seeds, "labels": labels, "steps": steps, "transfer": transfer}
    protocol = Protocol.read(given)
    _require_writable(json_file)
    try:
        document = watched(evaluated(Store(home()), run, protocol))
    except UnknownRun:
        newest = ", ".join(each.id for each in Store(home()).runs(3))
        known = f"; the latest runs are {newest}" if newest else "; there are no runs yet"
        raise ValueError(f"run must be the id of a run, the `run=` in the address of its page, got {run}{known}") from None
    show(document)
    write(json_file, document)


@app.command()
def methods(
    json_: Annotated[bool, typer.Option("--json", help="Print JSON, with every knob.")] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print README's table.")] = False,
) -> None:
    """List the methods with a summary and the paper."""
    from playground.cli.report import markdown_table
    from playground.knobs import knobs_of
    from playground.methods import CATALOG
    from playground.results import table

    if markdown:
        print(markdown_table())
        return
    if json_:
        described = [
            {"name": name, "title": each.title, "family": each.family, "summary": each.summary, "paper": each.paper, "link": each.link,
             "knobs": [vars(knob) for knob in knobs_of(each.Knobs, "method.")]}
            for name, each in CATALOG.items()
        ]  # fmt: skip
        print(json.dumps(described, indent=2))
        return
    shown = table("method", "family", "what it does", "paper")
    for name, each in CATALOG.items():
        shown.add_row(name, each.family, each.summary, f"[link={each.link}]{each.paper}[/link]")
    Console().print(shown)


@app.command()
def bench(
    json_file: JsonFile = None,
    seconds: Annotated[float, typer.Option(min=1, max=600, help="The time to measure each contender.")] = 8.0,
    seeds: Annotated[
        int, typer.Option(min=1, max=50, help="The number of trainings for measurements that train until something is learned.")
    ] = 5,
    quick: Annotated[bool, typer.Option("--quick", help="Under two minutes: every row is measured once.")] = False,
    gpu: Annotated[
        bool,
        typer.Option(
            "--gpu", help="Check in 5 minutes whether all methods train on the GPU and agree with the CPU, and how fast they are."
        ),
    ] = False,
    data: Annotated[
        Path | None, typer.Option(help="For --gpu: the folder with cifar-10-batches-py; without it, photographs are not measured.")
    ] = None,
) -> None:
    """Measure the speed on this machine, as ratios within one run: about eleven minutes on two cores.

    To install the libraries for comparison (kornia, lightly): python -m pip install 'ssl-playground\\[bench]'
    """
    _require_writable(json_file)
    if gpu:
        from playground.bench.gpu import Setting, run

        sys.exit(any(each["status"] == "failed" for each in run(Setting(data=data), json_file)))
    from playground.bench.suite import QUICK, Effort, as_table, facts, measure

    results = {}
    for name, row in measure(QUICK if quick else Effort(seconds=seconds, seeds=seeds)):
        results[name] = row
        Console(stderr=True).print(f"{name}: {row['took']:.0f} s", style="dim")
    Console().print(as_table(results))
    write(json_file, {"machine": facts(), **results})


app.command()(judge)


def _setting(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise ValueError(f"--set must be SECTION.FIELD=VALUE, got {text}")
    return key.strip(), value.strip()


def _require_writable(file: Path | None) -> None:
    """Checks this before the work."""
    try:
        if file:
            file.touch()
    except OSError as error:
        raise ValueError(f"--json must be a writable file, got {file}: {error.strerror}") from None


if __name__ == "__main__":
    main()
