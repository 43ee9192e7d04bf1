"""Memory that is freed and wanted again at once: how often the kernel has to hand out a page. A process of its own."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's settings")

FAULTS = """
import resource
import torch
from playground.machine.memory import keep_memory, return_memory

def step():
    held = [torch.zeros(5 << 20) for _ in range(4)]  # 80 MiB: what a small network keeps for its gradient

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(10):
        step()
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

keep_memory()
for _ in range(20):
    step()
print(faults())
return_memory()
print(faults())
"""


@pytest.fixture(scope="module")
def faults() -> list[int]:
    """Page faults of ten steps, with the memory that the steps before them have freed, and after it was returned."""
    said = subprocess.run([sys.executable, "-c", FAULTS], capture_output=True, text=True, check=True)
    return [int(line) for line in said.stdout.split()]


@pytest.mark.slow
def test_a_step_reuses_the_memory_of_the_step_before_it(faults: list[int]) -> None:
    assert faults[0] < 100  # of 204,800 pages that ten steps write; up to all of them without


def test_memory_that_is_kept_can_be_returned(faults: list[int]) -> None:
    assert faults[1] > 10_000  # each page of a step is asked for anew, once
