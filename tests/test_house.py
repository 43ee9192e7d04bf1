"""The house itself: what must be true of every file."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import playground
from playground.datasets import CATALOG as DATASETS
from playground.methods import CATALOG as METHODS
from playground.report import markdown_table

ROOT = Path(playground.__file__).parent.parent
CORE = [file for file in (ROOT / "playground").rglob("*.py") if "ui" not in file.parts and "_site" not in file.parts]


@pytest.mark.parametrize("file", CORE, ids=lambda file: file.relative_to(ROOT).as_posix())
def test_the_core_never_imports_streamlit(file):
    for node in ast.walk(ast.parse(file.read_text())):
        names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        assert not any(name.split(".")[0] == "streamlit" for name in names)


@pytest.mark.parametrize("file", CORE, ids=lambda file: file.relative_to(ROOT).as_posix())
def test_no_method_is_named_outside_its_file(file):
    if file.parent.name == "methods":
        return
    compared = [
        part for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Compare) for part in [node.left, *node.comparators]
    ]
    assert not [part.value for part in compared if isinstance(part, ast.Constant) and part.value in METHODS]


def test_readme_has_the_table_of_methods_that_their_files_give():
    assert markdown_table() in (ROOT / "README.md").read_text(), "put in README what `ssl-playground methods --markdown` prints"


@pytest.mark.parametrize("name", DATASETS)
def test_readme_names_every_data_set(name):
    assert re.search(rf"^\| *`{name}`", (ROOT / "README.md").read_text(), re.MULTILINE)


def test_readme_shows_every_folder_and_module_of_the_tree():
    text = (ROOT / "README.md").read_text()
    for path in [*(ROOT / "playground").iterdir(), *(ROOT / "pages").glob("*.py")]:
        if path.name not in ("__pycache__", "_site", "__init__.py"):
            assert path.name in text, path.name


def test_the_public_names_are_what_they_say():
    assert sorted(playground.__all__) == ["RunConfig", "datasets", "methods", "train"]
    for name in playground.__all__:
        assert getattr(playground, name) is not None
    with pytest.raises(AttributeError):
        playground.nothing  # noqa: B018


def test_importing_the_package_is_quick_because_torch_waits():
    code = "import sys, playground, playground.home; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
