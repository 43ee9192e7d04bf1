"""The check of a GPU, run for real on this CPU with tiny networks, where nothing but torch, numpy and pydantic can be imported."""

import json
import os
import subprocess
import sys

import pytest
import torch
from torchvision.datasets import CIFAR10

from playground.bench import gpu as bench_gpu
from playground.bench import photos as bench_photos
from playground.bench.gpu import Absent, Failed, Setting, agrees, row
from playground.datasets import load_images
from playground.home import site
from playground.machine.devices import pick

BLOCKED = [
    "streamlit",
    "plotly",
    "umap",
    "numba",
    "sklearn",
    "scipy",
    "pandas",
    "typer",
    "rich",
    "torchvision",
    "platformdirs",
    "PIL",
    "lightly",
    "kornia",
]
BARE = f"""
import sys
for name in {BLOCKED}:
    sys.modules[name] = None
from playground.bench.gpu import main
main()
"""
QUICK = Setting("cpu", quick=True, methods=("simclr", "mae"))


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    file = tmp_path_factory.mktemp("bench") / "gpu.json"
    options = ["--device", "cpu", "--quick", "--methods", "simclr,mae", "--json", str(file)]
    environment = os.environ | {"PYTHONPATH": str(site()), "OMP_NUM_THREADS": "1"}
    environment.pop("SSL_PLAYGROUND_HOME", None)
    done = subprocess.run([sys.executable, "-c", BARE, *options], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    found = {each["part"]: each for each in json.loads(file.read_text())["rows"]}
    assert all(part in done.stdout for part in found)
    return found


@pytest.mark.slow
def test_methods_train_and_agree_where_little_is_installed(rows):
    assert {rows[f"{what}/{method}"]["status"] for what in ("trains", "agrees") for method in QUICK.methods} == {"done"}
    assert rows["machine"]["device"] == "cpu"


@pytest.mark.slow
def test_what_draws_random_numbers_is_compared_by_its_features_alone_and_says_so(rows):
    assert set(rows["agrees/simclr"]) >= {"features", "loss", "gradient"} and "not_compared" not in rows["agrees/simclr"]
    assert "loss" not in rows["agrees/mae"] and "random" in rows["agrees/mae"]["not_compared"]


@pytest.mark.slow
def test_speed_has_a_number_for_each_contender_or_why_there_is_none(rows):
    speed = rows["speed"]
    assert set(speed["views_per_second"]) == {"engine", "bare", "float32"} and speed["engine_over_bare"] > 0
    assert "lightly, torchvision, rich must be installed" in speed["lightly"]


@pytest.mark.slow
def test_what_cannot_be_here_says_why(rows):
    assert rows["graphs"]["status"] == "absent" and "no CUDA graphs" in rows["graphs"]["reason"]
    assert rows["seconds to k-NN 0.8"]["status"] == "absent" and "cifar-10-batches-py" in rows["seconds to k-NN 0.8"]["reason"]


@pytest.mark.parametrize(
    "error, status, reason",
    [
        (Absent("none here"), "absent", "none here"),
        (Failed("wrong"), "failed", "wrong"),
        (ZeroDivisionError("by\n0"), "failed", "ZeroDivisionError: by"),
    ],
)
def test_a_part_that_fails_is_a_row_like_any_other(error, status, reason):
    def work():
        raise error

    found = row("part", work, QUICK)
    assert (found["part"], found["status"], found["reason"]) == ("part", status, reason)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_every_part_says_so():
    found = list(bench_gpu.measure(Setting("cuda", methods=("simclr",))))
    assert len(found) == 6 and {(each["status"], each["reason"]) for each in found} == {("absent", "torch finds no GPU here")}


def test_after_the_limit_nothing_begins():
    assert "were over" in row("late", dict, Setting("cpu", ends=0.0))["reason"]


@pytest.mark.slow
def test_a_method_that_begins_with_a_round_over_all_images_is_compared_too():
    assert agrees(QUICK, "deepcluster")["features"] == 0


def test_numbers_that_disagree_are_named(monkeypatch):
    monkeypatch.setattr(bench_gpu, "compared", lambda *_: {"features": 0.0, "loss": 0.1, "gradient": float("nan")})
    with pytest.raises(Failed, match="loss and gradient differ"):
        agrees(QUICK, "simclr")


def test_only_the_official_files_of_cifar10_are_opened(tmp_path):
    assert [dict(CIFAR10.train_list), dict(CIFAR10.test_list)] == [bench_photos.TRAINING, bench_photos.TEST]
    with pytest.raises(OSError):
        bench_photos.read(tmp_path)
    (tmp_path / bench_photos.FOLDER).mkdir()
    (tmp_path / bench_photos.FOLDER / "data_batch_1").write_bytes(b"another")
    with pytest.raises(ValueError, match="official file"):
        bench_photos.read(tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("goal, reached", [(0.01, True), (1.01, False)])
def test_the_seconds_to_a_goal_are_told_where_it_is_reached_and_the_curve_in_any_case(goal, reached, tmp_path):
    config = QUICK.large()
    images, probe = load_images(config.data, tmp_path)
    found = bench_photos.seconds_to(goal, config, images[:256], probe[:64], pick("cpu", "resnet"), 2.0)
    assert (found["seconds"] is not None) == reached
    assert found["curve"] and all(0 <= each["knn"] <= 1 for each in found["curve"])
