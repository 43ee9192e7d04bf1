"""Results in a file of the person's own, such as `--json out.json`: outside of the home, and said in one sentence where it cannot be."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from playground.home import REASONS


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
