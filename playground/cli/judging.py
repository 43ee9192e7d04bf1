"""ssl-playground judge: how often the collapse judge is right."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from playground.results import writing


def judge(
    target: Annotated[Path, typer.Option("--to", file_okay=False, help="The folder of the figure, the table and the measurements.")],
    only: Annotated[str, typer.Option(help="Only runs whose name contains this text, such as simclr or cifar10:.")] = "",
    again: Annotated[bool, typer.Option("--again", help="Train nothing: judge only runs that are measured already.")] = False,
) -> None:
    """Measure the accuracy of the collapse judge: runs with known outcomes are trained and judged.

    It takes hours on a CPU, and continues where it stopped. Runs that are measured already are only judged again.
    The project's results are in assets/judge; real images are read from the home's data folder, or downloaded.
    """
    from playground.judging import margins, outcomes, report

    found = []
    with writing(target, "--to"):
        for each in outcomes.run(target, only, not again):
            found.append(each)
            print(f"{each.case.name}: outcome {each.truth}, verdict {each.verdict.state}", flush=True)
    if not found:
        raise ValueError(f"--only must be a part of the name of a run{' that is measured' * again}, such as simclr, got {only}")
    print(report.summary(found))
    if not only:
        with writing(target, "--to"):
            (target / outcomes.TABLE).write_text(report.as_csv(found))
            (target / outcomes.FIGURE).write_text(report.as_svg(found))
            (target / outcomes.MARGINS).write_text(margins.as_svg(found))
