"""Tables for the terminal."""

from __future__ import annotations

from rich.table import Table


def table(*heads: str, show_header: bool = True) -> Table:
    """Without lines. No cell is cut, however narrow the terminal: a word that is too long goes on in the next line."""
    made = Table(box=None, header_style="bold", pad_edge=False, show_header=show_header)
    for head in heads:
        made.add_column(head, overflow="fold")
    return made
