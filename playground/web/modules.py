"""The scripts of assets/ as pages ask for them: under an address that changes with their content, and all that a panel needs at once.

Nothing is built or bundled: what a script imports is read from its text, once.
"""

from __future__ import annotations

import re
from functools import cache
from hashlib import blake2b
from pathlib import Path

from playground.analysis.map_kinds import KINDS
from playground.glossary import collected
from playground.home import site
from playground.runs.records import as_json

DOOR = "live.js"  # what a page imports itself
PLOTLY, DECLARED, STYLES = "plotly.js", "declared.json", "pages.css"  # none of them lies in assets/ by this name
# Neither import(...), which loads later, nor what a comment says.
STATIC = re.compile(r"""^(?:import|export)\s(?:[^"'();]*?\bfrom\s*)?["'](\.[^"']+\.js)["']""", re.MULTILINE)


def root() -> Path:
    """assets/."""
    return (site() / "assets").resolve()


@cache
def version() -> str:
    """A hash of everything that lies under `/assets/`, as it was when the server first needed it."""
    return digest(root(), declared())


def address() -> str:
    """Of the folder that pages take their scripts from, relative to theirs: `assets/v/0123456789ab/`."""
    return f"assets/v/{version()}/"


def digest(folder: Path, more: bytes = b"") -> str:
    """A hash of the names and the contents of all files in a folder, and of what is made for it."""
    found = blake2b(more, digest_size=6)
    for path in sorted(each for each in folder.rglob("*") if each.is_file()):
        data = path.read_bytes()
        found.update(f"{path.relative_to(folder).as_posix()} {len(data)} ".encode() + data)
    return found.hexdigest()


def declared() -> bytes:
    """What scripts take from Python as it is, as JSON: {"metrics": what every number on the pages means, "maps": the kinds of map}.

    metrics: {metric name or pattern: {title, good, meaning, formula, unit, source, latex}}; maps: {name: the fields of its Kind}.
    """
    metrics, kinds = ({name: vars(each) for name, each in found.items()} for found in (collected(), KINDS))
    return as_json({"metrics": metrics, "maps": kinds}).encode()


def styles() -> bytes:
    """All styles of the pages, one after the other."""
    return b"\n".join(path.read_bytes() for path in sorted(root().glob("*.css")))


@cache
def preload(panel: str, first: str = DOOR) -> tuple[str, ...]:
    """The scripts that a panel is made of, relative to assets/, those of the page before its own. Raises ValueError for an unknown one."""
    script = f"panels/{panel.replace('-', '_')}.js"
    if not (root() / script).is_file():
        raise ValueError(f"there is no panel {panel}: no assets/{script}")
    return tuple(dict.fromkeys([*closure(root(), first), *closure(root(), script)]))


def closure(folder: Path, script: str) -> list[str]:
    """A script and all that it imports, and so on, relative to the folder; each once."""
    found = [script]
    for each in found:
        found += [other for other in _imports(folder, each) if other not in found]
    return found


def _imports(folder: Path, script: str) -> list[str]:
    path = folder / script
    named = STATIC.findall(path.read_text(encoding="utf-8"))
    return list(dict.fromkeys((path.parent / each).resolve().relative_to(folder.resolve()).as_posix() for each in named))
