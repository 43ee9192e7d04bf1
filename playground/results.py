"""Results for a person: a table in the terminal, or a file of their own such as `--json out.json`, outside of the home."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from playground.home import REASONS

if TYPE_CHECKING:
    from rich.table import Table


class Unwritten(RuntimeError):  # noqa: N818
    """What was worked out could not be written where it was wanted; one sentence says where and why."""


@contextlib.contextmanager
def writing(target: Path, option: str = "--json") -> Iterator[None]:
    """Around what writes there: what the disk refuses is raised as Unwritten."""
    try:
        yield
    except OSError as error:
        if error.errno not in REASONS:
            raise
        raise Unwritten(f"{option} must be where there is room and the right to write, got {target}: {error.strerror}") from error


def write(file: Path | None, content: Any) -> None:
    """As JSON, where a file is wanted. Raises Unwritten, and leaves no half of it."""
    if file is None:
        return
    try:
        with writing(file):
            file.write_text(json.dumps(content, indent=2) + "\n")
    except Unwritten:
        if file.is_file():
            with contextlib.suppress(OSError):
                file.unlink()
        raise


def table(*heads: str, show_header: bool = True) -> Table:
    """Without lines. No cell is cut, however narrow the terminal: a word that is too long goes on in the next line."""
    from rich.table import Table  # where only a GPU is measured, there is no rich

    made = Table(box=None, header_style="bold", pad_edge=False, show_header=show_header)
    for head in heads:
        made.add_column(head, overflow="fold")
    return made
