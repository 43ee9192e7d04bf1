"""The floor plan: imports go down the list in the package's docstring only, and there are no circles."""

import ast
import re
from pathlib import Path

import pytest

import playground

ROOT = Path(playground.__file__).parent
FILES = {
    ".".join(path.relative_to(ROOT.parent).with_suffix("").parts).removesuffix(".__init__"): path
    for path in ROOT.rglob("*.py")
    if "_site" not in path.parts
}
LIST = [name for row in re.findall(r"^    ((?:\w+ )+) +\S", playground.__doc__, re.MULTILINE) for name in row.split()]
MOST = 14  # files on top


def imports(name):
    """What a module imports of the package, as it is named, with the line: within functions and for types only, too."""
    for node in ast.walk(ast.parse(FILES[name].read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "playground":
            for each in node.names:
                full = f"{node.module}.{each.name}"
                yield (full if full in FILES else node.module), node.lineno
        elif isinstance(node, ast.Import):
            yield from ((each.name, node.lineno) for each in node.names if each.name.split(".")[0] == "playground")


def room(name):
    return name.split(".")[1] if "." in name else ""


def test_the_list_names_every_file_and_folder_on_top():
    found = {path.stem for path in ROOT.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()} - {"__init__"}
    assert sorted(LIST) == sorted(found)
    assert len(list(ROOT.glob("*.py"))) <= MOST


@pytest.mark.parametrize("name", sorted(set(FILES) - {"playground"}))
def test_imports_go_down_the_list(name):
    for other, line in imports(name):
        assert other in FILES, f"{FILES[name]}:{line}: {other} does not exist"
        assert room(other) in LIST, f"{FILES[name]}:{line}: the public names of the package are for those who use it"
        assert LIST.index(room(other)) <= LIST.index(room(name)), f"{FILES[name]}:{line}: {room(name)} stands above {other} in the list"


@pytest.mark.slow
def test_there_is_no_circle():
    left = {name: {other for other, _ in imports(name)} - {name} for name in FILES if name != "playground"}
    while free := [name for name, needs in left.items() if not needs & set(left)]:
        for name in free:
            del left[name]
    assert not left, f"these import each other, or what does: {', '.join(left)}"


@pytest.mark.parametrize("name", [name for name, path in FILES.items() if path.name == "__init__.py"])
def test_every_folder_says_in_a_sentence_what_it_is_for(name):
    first = (ast.get_docstring(ast.parse(FILES[name].read_text())) or "").partition("\n")[0]
    assert len(first) > 20, FILES[name]
    if room(name) and name.count(".") == 1:
        inside = [path for path in FILES[name].parent.rglob("*.py") if path.name != "__init__.py"]
        assert len(inside) >= 3, f"{name} holds fewer than three files of one kind"
