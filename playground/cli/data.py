"""ssl-playground data list | add | show | refresh | remove: your own images, from the command line."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from playground import results
from playground.home import home, keeping

if TYPE_CHECKING:
    from playground.datasets import Progress

app = typer.Typer(name="data", no_args_is_help=True, help="Your own images: add a folder or a zip, list and show datasets, remove them.")
Name = Annotated[str, typer.Argument(help="The name in `ssl-playground data list`, such as own-birds.")]
Labels = Annotated[
    str,
    typer.Option(
        help="The source of labels: table (a .csv of file and label), folders (the top ones), subfolders (inside those), none; or auto."
    ),
]


@app.command("list")
def list_() -> None:
    """List all datasets: built-in ones and your own."""
    from playground.datasets import CATALOG

    table = results.table("dataset", "what it is")
    for name, each in CATALOG.items():
        _row(table, name, f"{each.title}: {each.summary}")
        for notice in each.notices(None, home() / "data"):
            _row(table, "", notice)
    Console().print(table)


@app.command()
def add(
    source: Annotated[
        str, typer.Argument(metavar="PATH", help="A folder, which stays where it is; a zip or tar; or hf:OWNER/NAME[:SPLIT].")
    ],
    label_table: Annotated[
        Path | None, typer.Argument(metavar="[TABLE]", help="For a zip or tar: a separate .csv or .tsv of file and label.")
    ] = None,
    name: Annotated[str, typer.Option(help="The name of the dataset; by default that of the folder or file.")] = "",
    image_column: Annotated[str, typer.Option(help="For hf: the column of images, if there are several.")] = "",
    label_column: Annotated[str, typer.Option(help="For hf: the column of labels, if it is not marked as one.")] = "",
    numbers: Annotated[
        tuple[float, float] | None,
        typer.Option(
            "--range", metavar="LOW HIGH", help="For images of more than 8 bits: the values of black and white, if not estimated."
        ),
    ] = None,
    labels: Labels = "auto",
) -> None:
    """Add your own images. Class folders become labels; a flat folder has no labels.

    [bold]Try[/bold]

      ssl-playground data add ~/Pictures/birds

      ssl-playground data add flowers.zip --name "Garden flowers"

      ssl-playground data add flowers.zip labels.csv

      ssl-playground data add hf:cifar100:test --label-column coarse_label

      ssl-playground data add ~/microscope --range 0 4095

      ssl-playground data add ~/intel --labels subfolders

      ssl-playground train --data own-birds
    """
    from playground.datasets import huggingface, intake, own
    from playground.datasets.ranges import Range

    range = Range(*numbers) if numbers else None
    before = set(own.found())
    if label_table and source.startswith(huggingface.PREFIX):
        raise ValueError(f"a table of labels is for a zip or tar, got {label_table} with {source}: use --label-column instead")
    if source.startswith(huggingface.PREFIX):
        _watch(huggingface.add(source, name, image_column, label_column, range))
    elif image_column or label_column:
        raise ValueError(f"--image-column and --label-column are for sources that begin with {huggingface.PREFIX}, got {source}")
    else:
        _watch(intake.add(Path(source), name, range, _source(labels), label_table))
    for new in set(own.found()) - before:
        show(new)


@app.command()
def show(name: Name) -> None:
    """Show one of your own datasets: its classes, its sizes, and the files that were left out, with the reasons."""
    from playground.datasets import CATALOG, own

    each = own.get(name)
    kind = CATALOG[each.name]
    table = results.table("dataset", "what it is", show_header=False)
    _row(table, each.name, f"{each.title}: {kind.summary}")
    parts = f"{kind.count:,} training images, {kind.probe_count:,} probe images, {kind.test_count:,} test images"
    _row(table, "parts", parts)
    _row(table, "files", each.folder or "copied into the store")
    for label, count in each.counts().items():
        _row(table, label, f"{count:,}")
    for notice in kind.notices(kind.Knobs(), own.root()):
        _row(table, "notice", notice)
    for remark in kind.remarks(kind.Knobs(), own.root()):
        _row(table, "", remark)
    Console().print(table)


@app.command()
def refresh(name: Name, labels: Labels = "") -> None:
    """Read one of your own datasets again: its folder as it is now, or with another source of labels."""
    from playground.datasets import intake, own

    _watch(intake.read_again(name, _source(labels) if labels else None))
    show(own.get(name).name)


def _source(labels: str) -> Any:
    from playground.datasets.labels import SOURCES

    if labels not in SOURCES:
        raise ValueError(f"--labels must be one of {', '.join(SOURCES)}, got {labels}")
    return labels


@app.command()
def remove(name: Name) -> None:
    """Remove one of your own datasets. A folder that was added is not changed."""
    from playground.datasets import own

    gone = own.remove(name)
    kept = f"; {gone.folder} is not changed" if gone.folder else ""
    Console().print(f"{gone.name} ({gone.title}) is removed{kept}", markup=False, highlight=False)


def _row(table: Table, *cells: str) -> None:
    """Adds a row of plain text, in which brackets are not markup."""
    from rich.text import Text

    table.add_row(*map(Text, cells))


def _watch(steps: Iterable[Progress]) -> None:
    """Shows a progress bar on standard error until everything is done."""
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)
        with keeping(home()):
            for step in steps:
                bar.update(task, description=step.what, completed=step.done, total=step.total or None)
