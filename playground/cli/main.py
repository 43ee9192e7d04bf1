"""ssl-playground [serve] | train | evaluate | methods | data | judge | bench: all but the pages, from the command line."""

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
from playground.home import HomeError, home, site, unwritable
from playground.results import Unwritten, write, writing

app = typer.Typer(
    name="ssl-playground",
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    add_completion=False,
    help="Pick a self-supervised method, press Start, and watch a representation form.\n\n"
    "Without a command it serves the page. Everything it keeps lies in one folder: [bold]SSL_PLAYGROUND_HOME[/bold], "
    "or your user data folder.",
)
app.add_typer(data_cli.app)
Port = Annotated[
    int,
    typer.Option(
        envvar="STREAMLIT_SERVER_PORT",
        min=1,
        max=65535,
        help="Where to listen: http://localhost:PORT, and for the network at this machine's address.",
    ),
]
Witness = Annotated[
    bool,
    typer.Option("--witness", help="Also how many of 2,000 training images 3,000 labeled ones name rightly, and the gain."),
]
JsonFile = Annotated[Path | None, typer.Option("--json", dir_okay=False, help="Also write the result to this file.")]


def main() -> None:
    """The console script: a wrong setting, or a disk that is full, ends in one sentence, not in a traceback."""
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
    """Serve the page, at http://localhost:8501 unless told otherwise.

    Many people can use one server: runs queue up and take turns, fairly by person.
    """
    if refused := unwritable(home()):  # said at once, and not after the seconds that a server takes to start
        raise refused
    typer.echo(f"SSL Playground keeps runs and data in {home()}. Ctrl+C ends it.")
    environment = os.environ | {"SSL_PLAYGROUND_HOME": str(home())}
    options = ["--server.port", str(port), "--server.showEmailPrompt", "false"]
    command = [sys.executable, "-m", "playground.machine.processes", "run", "app.py", *options]
    if os.name == "posix":  # becomes the server, so that signals reach it
        os.chdir(site())
        os.execve(sys.executable, command, environment)
    sys.exit(subprocess.call(command, cwd=site(), env=environment))


@app.command()
def train(
    method: Annotated[str, typer.Option(help="Which method; `ssl-playground methods` lists them.")] = "simclr",
    data: Annotated[
        str,
        typer.Option(help="Which data set; `ssl-playground data list` lists them."),
    ] = "shapes",
    steps: Annotated[str | None, typer.Option(help="How many times the weights are updated; the method's own default if left out.")] = None,
    seed: Annotated[str, typer.Option(help="The same seed gives the same run.")] = "0",
    seeds: Annotated[
        int, typer.Option(min=1, max=100, help="So many runs, with this seed and the next ones; shows mean, lowest and highest of all.")
    ] = 1,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="SECTION.FIELD=VALUE", help="Any other setting; may be given many times."),
    ] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda, mps, or auto.")] = "auto",
    witness: Witness = False,
    json_file: JsonFile = None,
) -> None:
    """Train one run here and now, with a progress bar and the final diagnostics.

    [bold]Try[/bold]

      ssl-playground train --method simclr --data shapes --steps 300

      ssl-playground train --set method.temperature=0.5 --set augment.hue=0

      ssl-playground train --method byol --set method.stop_gradient=false

      ssl-playground train --seeds 10

      ssl-playground train --data cifar10 --seeds 5 --witness

    The names are those of the page: what the address bar shows as method.temperature is `--set method.temperature=`.
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
    run: Annotated[str, typer.Argument(help="The id of a run of this home, as the address bar of its page has it.")],
    factor: Annotated[str | None, typer.Option(help="Which factor is to be told apart; the data set's first if left out.")] = None,
    shares: Annotated[str | None, typer.Option(help="Shares of the labels, as in 0.01,0.1,1.")] = None,
    seeds: Annotated[str | None, typer.Option(help="How often all is repeated, with other labels, order and initial weights.")] = None,
    only: Annotated[
        str | None,
        typer.Option(
            help="Of linear, knn_classifier, tuned, scratch, untrained, pixels, robustness, transfer: those that are wanted, with commas."
        ),
    ] = None,
    transfer: Annotated[str | None, typer.Option(metavar="DATA", help="Another data set on which the features are tested, too.")] = None,
    labels: Annotated[str | None, typer.Option(help="How many labels 100 % is at most; a seed has four fifths of all at most.")] = None,
    steps: Annotated[str | None, typer.Option(help="How long fine-tuning and training from scratch are.")] = None,
    json_file: JsonFile = None,
    background: Annotated[bool, typer.Option(hidden=True)] = False,
) -> None:
    """Measure what a run has learned: linear probe, k-NN classifier, fine-tuning, training from scratch, with few labels and many.

    Each result is the mean over seeds, with what seeds and test images leave open of it. All is kept in the run's folder.

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
        known = f"; the newest here are {newest}" if newest else "; there is none here yet"
        raise ValueError(f"run must be the id of a run, the `run=` in the address of its page, got {run}{known}") from None
    show(document)
    write(json_file, document)


@app.command()
def methods(
    json_: Annotated[bool, typer.Option("--json", help="Print JSON, with every knob.")] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print README's table.")] = False,
) -> None:
    """List the methods, what each does, and where it was published."""
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
    seconds: Annotated[float, typer.Option(min=1, max=600, help="How long to time each contender.")] = 8.0,
    seeds: Annotated[int, typer.Option(min=1, max=50, help="How often to train what is trained until it has learned something.")] = 5,
    quick: Annotated[bool, typer.Option("--quick", help="A first look in 100 seconds: every row, measured once.")] = False,
    gpu: Annotated[
        bool, typer.Option("--gpu", help="Whether all methods train on the GPU, agree with the CPU, and how fast: 5 minutes.")
    ] = False,
    data: Annotated[
        Path | None, typer.Option(help="With --gpu: where cifar-10-batches-py lies; else nothing is said about photographs.")
    ] = None,
) -> None:
    """Measure the speed on this machine, as ratios within one run: about seven minutes on two cores.

    Peers (kornia, lightly) come with: python -m pip install 'ssl-playground\\[bench]'
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


@app.command()
def judge(
    target: Annotated[Path, typer.Option("--to", file_okay=False, help="Where the figure, the table and the numbers lie.")],
    only: Annotated[str, typer.Option(help="Only runs whose name has this in it, such as simclr or cifar10:.")] = "",
    again: Annotated[bool, typer.Option("--again", help="Train nothing: judge what is measured already.")] = False,
) -> None:
    """Measure how often the collapse judge is right: runs whose outcome is known are trained and judged.

    It takes hours on a CPU, and goes on where it stopped. What is measured already is only judged anew.
    The project's own lie in assets/judge; real pictures are taken from the home's data folder, or downloaded.
    """
    from playground.judging import margins as judging_margins
    from playground.judging import outcomes as judging
    from playground.judging import report as judging_report

    outcomes = []
    with writing(target, "--to"):
        for each in judging.run(target, only, not again):
            outcomes.append(each)
            print(f"{each.case.name}: is {each.truth}, said {each.said.state}", flush=True)
    if not outcomes:
        raise ValueError(f"--only must be a part of the name of a run{' that is measured' * again}, such as simclr, got {only}")
    print(judging_report.summary(outcomes))
    if not only:
        with writing(target, "--to"):
            (target / judging.TABLE).write_text(judging_report.as_csv(outcomes))
            (target / judging.FIGURE).write_text(judging_report.as_svg(outcomes))
            (target / judging.MARGINS).write_text(judging_margins.as_svg(outcomes))


def _setting(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise ValueError(f"--set must be SECTION.FIELD=VALUE, got {text}")
    return key.strip(), value.strip()


def _require_writable(file: Path | None) -> None:
    """Before the work, not after it."""
    try:
        if file:
            file.touch()
    except OSError as error:
        raise ValueError(f"--json must be a file that can be written, got {file}: {error.strerror}") from None


if __name__ == "__main__":
    main()
