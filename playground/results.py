"""Output for people: a table in the terminal, or a file such as `--json out.json`, outside of the home folder."""

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
    """A result could not be written; one sentence with the file and the reason."""


@contextlib.contextmanager
def writing(target: Path, option: str = "--json") -> Iterator[None]:
    """For code that writes `target`: errors of the disk are raised as Unwritten."""
    try:
        yield
    except OSError as error:
        if error.errno not in REASONS:
            raise
        raise Unwritten(f"{option} must be a file that can be written, got {target}: {error.strerror}") from error


def write(file: Path | None, content: Any) -> None:
    """Writes JSON, if a file is given. Raises Unwritten, and leaves no partial file."""
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
    """A table without lines. No cell is cut in a narrow terminal: a long word continues on the next line."""
    from rich.table import Table  # imported late: `bench --gpu` works without rich

    made = Table(box=None, header_style="bold", pad_edge=False, show_header=show_header)
    for head in heads:
        made.add_column(head, overflow="fold")
    return made
