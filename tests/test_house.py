"""The house itself: what must be true of every file."""

import ast
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
import torch

import playground
from playground import definitions
from playground.cli.report import markdown_table
from playground.datasets import CATALOG as DATASETS
from playground.diagnostics import base
from playground.methods import CATALOG as METHODS
from playground.methods import Method
from support.trainings import tiny_config, trainer_of

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


@pytest.mark.parametrize("name", DATASETS.known)
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


@pytest.mark.slow
def test_importing_the_package_is_quick_because_torch_waits():
    code = "import sys, playground, playground.home; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.slow
def test_the_method_that_readme_adds_trains():
    """The example is real: the file as it stands there, trained for a few steps."""
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    made: dict = {"__name__": "readme"}
    exec(next(block for block in blocks if "(Method)" in block), made)
    method = next(each for each in made.values() if isinstance(each, type) and issubclass(each, Method) and each is not Method)
    config = tiny_config(batch_size=32, steps=30)
    known = {*dir(Method), *(name for kind in Method.__mro__ for name in vars(kind).get("__annotations__", {}))}
    assert {name for name in vars(method) if not name.startswith("_")} <= known, "what it says of itself is asked for by somebody"
    trainer = trainer_of(config)
    ours = method(trainer.method.backbone, config.model_copy(update={"method": method.Knobs()}))
    optimizer, batch = torch.optim.AdamW(ours.parameters(), 3e-3), trainer.batch(1)
    losses = []
    for _ in range(15):
        values = ours.loss(batch, None)
        optimizer.zero_grad()
        values["loss"].backward()
        optimizer.step()
        losses.append(values["loss"].item())
    assert losses[-1] < losses[0] - 0.1
    low, high = method.loss_bounds(config.model_copy(update={"method": method.Knobs()}))
    assert low < min(losses) and max(losses) < high


def test_the_diagnostic_that_readme_adds_is_measured(monkeypatch):
    """The example is real: found by its mark, and called by the names of its arguments."""
    for room in (base, definitions):  # what it adds is gone afterwards
        monkeypatch.setattr(room, "CATALOG", dict(room.CATALOG))
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    exec(next(block for block in blocks if "@diagnostic" in block), {"__name__": "readme"})
    added = base.CATALOG["zero_share"]
    assert float(added({"features": torch.tensor([[0.0, 1.0], [2.0, 0.0]])})) == 0.5 and added.wants == ("features",)
    assert definitions.CATALOG["zero_share"].formula.startswith("the mean over images")


def test_every_name_that_a_script_imports_is_exported_where_it_is_sought():
    assets = ROOT / "assets"
    for script in assets.rglob("*.js"):
        for names, path in re.findall(r'import \{([^}]*)\} from "([^"]+)"', script.read_text()):
            exported = set(re.findall(r"export (?:async )?(?:function\*?|class|const|let) (\w+)", (script.parent / path).read_text()))
            wanted = {name.split(" as ")[0].strip() for name in names.split(",")} - {""}
            assert wanted <= exported, f"{script.relative_to(assets)}: {wanted - exported} of {path}"


SHOWN = [*(ROOT / "pages").glob("*.py"), *(ROOT / "playground" / "ui").glob("*.py"), *(ROOT / "assets").rglob("*.js")]
HARD = r"until this is mended|throw of the dice|the dice are|part ways\.|by lot|saw the like of|speak for nothing"
BRITISH = r"\b(colour|behaviour|favour|grey|centre|normalis|organis|visualis|initialis|labelled)"


@pytest.mark.parametrize("file", SHOWN, ids=lambda file: file.name)
def test_pages_speak_plain_american_english(file):
    assert not re.findall(f"{HARD}|{BRITISH}", file.read_text())


def test_no_two_test_files_share_a_name():
    files = sorted((ROOT / "tests").rglob("test_*.py"), key=lambda file: file.name)
    twice = [file.name for file, following in pairwise(files) if file.name == following.name]
    assert not twice, "pytest imports tests by their bare name, so it refuses to collect the second one"
