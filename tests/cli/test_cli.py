import json
import os
import subprocess
import sys
from typing import NamedTuple

import pytest
from typer.testing import CliRunner

from playground.cli import main as cli
from playground.cli.report import show, summarize
from playground.config import RunConfig
from playground.events import Checkpoint, Finished, Started, Verdict
from playground.judging import witness
from playground.knobs import ConfigError
from playground.methods import CATALOG

COMMANDS = ("serve", "train", "evaluate", "methods", "data", "bench")


class Ran(NamedTuple):
    """What a command has said, and its exit code."""

    stdout: str
    stderr: str
    returncode: int


@pytest.fixture
def run(home, monkeypatch, capsys):
    """The command, in this process, which has imported everything."""

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["ssl-playground", *words])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return Ran(*capsys.readouterr(), ended.value.code or 0)

    monkeypatch.setenv("COLUMNS", "140")
    monkeypatch.setenv("NO_COLOR", "1")
    return run


def started(*words, home):
    """The command as a person starts it."""
    environment = os.environ | {"SSL_PLAYGROUND_HOME": str(home), "COLUMNS": "140", "NO_COLOR": "1"}
    command = [sys.executable, "-m", "playground.cli.main", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment, check=False)


@pytest.mark.slow
def test_help_names_every_command_and_the_folder(home):
    shown = started("--help", home=home)
    assert shown.returncode == 0
    assert all(command in shown.stdout for command in COMMANDS)
    assert "SSL_PLAYGROUND_HOME" in shown.stdout


@pytest.mark.slow
def test_help_of_train_teaches_with_examples(run):
    shown = run("train", "--help").stdout
    assert "--set" in shown and "ssl-playground train --method simclr --data shapes --steps 300" in shown


@pytest.mark.slow
def test_methods_lists_what_lies_in_the_folder(run):
    shown = run("methods", "--json")
    assert [each["name"] for each in json.loads(shown.stdout)] == list(CATALOG)
    table = run("methods").stdout
    assert all(name in table for name in CATALOG)


@pytest.mark.slow
def test_several_seeds_are_trained_one_after_the_other(run, tmp_path):
    file = tmp_path / "out.json"
    settings = ["--set", "network=resnet-tiny", "--set", "batch_size=32", "--set", "device.precision=float32"]
    shown = run("train", "--steps", "1", "--seed", "4", "--seeds", "2", *settings, "--witness", "--json", str(file))
    assert shown.returncode == 0, shown.stderr
    result = json.loads(file.read_text())
    assert [each["config"]["seed"] for each in result["runs"]] == [4, 5]
    losses = [each["final"]["loss"] for each in result["runs"]]
    assert result["spread"]["loss"] == {"mean": sum(losses) / 2, "lowest": min(losses), "highest": max(losses)}
    for each in result["runs"]:
        gain = each["final"]["witness/knn"] - each["baseline"]["random"]["witness/knn"]
        assert each["final"]["witness/gain"] == gain
        assert abs(gain) < 0.1 and each["final"]["witness/knn"] > 0.2  # of 8 shapes, after a single step


@pytest.mark.slow
def test_a_witness_needs_labeled_training_images_enough(home, monkeypatch):
    monkeypatch.setattr(witness, "BANK", 1 << 20)
    with pytest.raises(ConfigError, match="more than 1,048,576 labeled training images, got [0-9,]+$"):
        summarize(RunConfig(), iter([Started(0, {"about": "shape"}), Checkpoint(1, {})]), witness=True)


def test_a_witness_waits_until_the_data_are_fetched(home):
    """Before a run begins the data may not be here: the run fetches them, and says what is wrong."""
    summary = summarize(RunConfig(data="cifar10"), iter([Finished(0, "failed", "no network")]), witness=True)
    assert (summary["status"], summary["message"]) == ("failed", "no network")


@pytest.mark.slow
def test_train_writes_the_summary(home, tmp_path):
    file = tmp_path / "out.json"
    shown = started(
        "train", "--method", "simclr", "--data", "shapes", "--steps", "3", "--seed", "4", "--device", "cpu",
        "--set", "network=resnet-tiny", "--set", "batch_size=32", "--set", "method.temperature=0.5", "--json", str(file), home=home,
    )  # fmt: skip
    assert shown.returncode == 0, shown.stderr
    result = json.loads(file.read_text())
    assert {"run", "status", "config", "steps", "seconds", "views_per_second", "diagnostics_share", "final", "baseline", "verdict"} <= set(
        result
    )
    assert (result["status"], result["steps"], result["config"]["method.temperature"], result["config"]["seed"]) == ("finished", 3, 0.5, 4)
    assert {"loss", "alignment", "uniformity", "feature_std", "rankme", "knn/shape", "knn/color"} <= set(result["final"])
    assert set(result["baseline"]) == {"random", "pixels", "chance"}
    assert "reconstruction" not in result["final"]
    assert "knn/shape" in shown.stdout and "at the end" in shown.stdout


@pytest.mark.slow
def test_masked_training_reports_its_error_beside_the_mean_patch(run, tmp_path):
    file = tmp_path / "out.json"
    words = ["--set", "batch_size=16", "--set", "network.patch_size=16", "--steps", "1", "--json", str(file)]
    assert run("train", "--method", "mae", *words).returncode == 0
    result = json.loads(file.read_text())
    assert result["final"]["reconstruction"] > 0 and result["baseline"]["trivial"]["reconstruction"] > 0


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["train", "--set", "method.temperature=-1"], "ssl-playground: simclr: temperature must be from 0.01 to 2, got -1"),
        (["train", "--steps", "many"], "ssl-playground: steps must be a whole number from 1 to 1000000, got many"),
        (["train", "--method", "nothing"], "ssl-playground: method must be one of those that `ssl-playground methods` names, got nothing"),
        (["train", "--set", "temperature"], "ssl-playground: --set must be SECTION.FIELD=VALUE, got temperature"),
        (["train", "--set", "augment.hoe=1"], "did you mean hue?"),
        (["train", "--steps", "1", "--json", "/no/such/folder/x.json"], "ssl-playground: --json must be a writable file"),
    ],
    ids=lambda each: each[-1] if isinstance(each, list) else "",
)
def test_a_wrong_setting_ends_in_one_sentence_before_anything_is_trained(words, sentence, run):
    shown = run(*words)
    assert shown.returncode == 2
    assert sentence in shown.stderr
    assert "Traceback" not in shown.stderr and len(shown.stderr.strip().splitlines()) == 1


def test_a_run_that_fails_says_why_and_exits_with_one(run):
    shown = run("train", "--device", "cuda", "--steps", "1")
    if "got cuda" not in shown.stderr:
        pytest.skip("this machine has CUDA")
    assert shown.returncode == 1


@pytest.mark.slow
def test_an_unusable_home_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    shown = started("serve", home=tmp_path / "file" / "below")
    assert shown.returncode == 2
    assert "SSL_PLAYGROUND_HOME must be a writable folder" in shown.stderr


def test_the_verdict_in_the_summary_says_what_to_change_and_by_which_rule(capsys):
    names = ("layer", "what", "value", "side", "limit", "says", "met", "holds")
    spread = dict(zip(names, ("projector", "spread", 0.03, "below", 0.15, "complete collapse", True, True), strict=True))
    rank = dict(zip(names, ("backbone", "rank", 40.0, "below", 5.0, "dimensional collapse", True, False), strict=True))
    layers = {"projector": "complete collapse", "backbone": "healthy"}
    verdict = Verdict(9, "projector collapse", "All look alike.", {"rank": 1.5}, "Turn the [stop-gradient] on.", layers, [spread, rank])
    summary = summarize(RunConfig(), iter([verdict, Finished(9, "finished")]))
    assert summary["verdict"] == {
        "step": 9,
        "state": "projector collapse",
        "sentence": "All look alike.",
        "evidence": {"rank": 1.5},
        "advice": "Turn the [stop-gradient] on.",
        "layers": layers,
        "checks": [spread, rank],
    }
    show(summary)
    told = " ".join(capsys.readouterr().out.split())
    assert "What to change: Turn the [stop-gradient] on." in told and "projector: complete collapse, backbone: healthy" in told
    assert "spread of the projector is 0.03, below 0.15: complete collapse" in told and "dimensional" not in told


@pytest.mark.parametrize(("words", "port"), [([], "8765"), (["serve"], "8765"), (["--port", "8766"], "8766")])
def test_the_port_of_the_environment_holds_unless_one_is_given(words, port, home, monkeypatch):
    called = []
    monkeypatch.setattr(cli.os, "chdir", lambda place: None)
    monkeypatch.setattr(cli.os, "execve", lambda program, command, environment: called.extend(command))
    monkeypatch.setattr(cli.subprocess, "call", lambda *words, **more: 0)
    said = CliRunner().invoke(cli.app, words, env={"STREAMLIT_SERVER_PORT": "8765"}).stdout
    assert str(home) in said and "Ctrl+C" in said
    assert called[called.index("--server.port") + 1] == port
