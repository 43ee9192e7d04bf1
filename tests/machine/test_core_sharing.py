"""A training draws together on one core when somebody else wants its cores, spreads again when they are free, and computes the same."""

import os
import subprocess
import sys
import time

import pytest
import torch

from playground import RunConfig
from playground.datasets import load_images
from playground.machine import child, core_sharing, devices
from playground.machine.core_sharing import CALM, MOMENT, CoreSharing, _Crowd, computing_on, idle, take, together, waited
from playground.training.trainer import Trainer

pytestmark = pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="only Linux lets a process choose its cores")


@pytest.fixture
def kernel(monkeypatch):
    """A kernel whose counters are moved by hand, on two cores; `taken` is what the process was put on."""

    class Kernel:
        now = waited = computed = 0.0
        idle = {0: 0.0, 1: 0.0}
        taken = None
        crowds = 0

        def pass_time(self, seconds, waited=0.0, idle=0.0, computed=1.0):
            """idle: of the core that is not taken."""
            self.now += seconds
            self.waited += waited * seconds
            self.computed += computed * seconds
            self.idle = {core: before + idle * seconds * (self.taken != [core]) for core, before in self.idle.items()}

    class Crowd:
        def __init__(self, threads):
            found.crowds += 1

        def leave(self):
            found.crowds -= 1

    found = Kernel()
    monkeypatch.setattr(core_sharing.time, "monotonic", lambda: found.now)
    monkeypatch.setattr(core_sharing, "waited", lambda: found.waited)
    monkeypatch.setattr(core_sharing, "computed", lambda: found.computed)
    monkeypatch.setattr(core_sharing.os, "getpid", lambda: 2)
    monkeypatch.setattr(core_sharing, "idle", lambda cores: dict(found.idle))
    monkeypatch.setattr(core_sharing, "take", lambda cores: setattr(found, "taken", list(cores)))
    monkeypatch.setattr(core_sharing, "_Crowd", Crowd)
    return found


def test_alone_it_keeps_all_cores(kernel):
    sharing = CoreSharing([0, 1])
    for _ in range(20):
        kernel.pass_time(0.2, waited=0.1)
        sharing.look()
    assert sharing.alone and kernel.taken is None


def test_beside_a_neighbor_it_draws_together_and_spreads_when_cores_are_free(kernel):
    sharing = CoreSharing([0, 1])
    kernel.pass_time(0.2, waited=0.8)
    sharing.look()
    assert not sharing.alone and kernel.taken == [0] and kernel.crowds == 1
    kernel.pass_time(CALM + 0.1, idle=0.5)  # the neighbor is still there
    sharing.look()
    assert kernel.taken == [0]
    kernel.pass_time(CALM / 2, idle=1.0)  # not long enough
    sharing.look()
    assert kernel.taken == [0]
    kernel.pass_time(CALM, idle=1.0)
    sharing.look()
    assert sharing.alone and kernel.taken == [0, 1] and kernel.crowds == 0


def test_a_neighbor_that_comes_and_goes_is_waited_for_longer(kernel):
    sharing = CoreSharing([0, 1])
    spread = []
    for _ in range(3):
        kernel.pass_time(0.2, waited=0.8)
        sharing.look()
        begun = kernel.now
        while not sharing.alone:
            kernel.pass_time(0.2, idle=1.0)
            sharing.look()
        spread.append(kernel.now - begun)
    assert spread[0] < spread[1] < spread[2]


def test_somebody_on_its_one_core_makes_it_look_for_another_that_has_more_room(kernel):
    sharing = CoreSharing([0, 1])
    kernel.pass_time(0.2, waited=0.8)
    sharing.look()
    assert kernel.taken == [0]
    for computed, room in ((0.5, 0.4), (0.9, 1.0)):  # the other core has less room; nobody is here
        kernel.pass_time(MOMENT + 0.1, idle=room, computed=computed)
        sharing.look()
        assert kernel.taken == [0]
    sharing._calm = 100
    moves = set()
    for _ in range(20):
        kernel.pass_time(MOMENT + 0.1, idle=1.0, computed=0.5)
        sharing.look()
        assert not sharing.alone, "a core that another training is about to take is not free"
        moves.add(tuple(kernel.taken))
    assert moves == {(0,), (1,)}


def test_a_single_thread_stays_where_the_kernel_puts_it(kernel, monkeypatch):
    sharing = CoreSharing([0, 1])
    monkeypatch.setattr(core_sharing, "_sharing", sharing)
    kernel.pass_time(0.2, waited=0.8)
    sharing.look()
    assert kernel.taken == [0]
    computing_on(1)
    for _ in range(5):
        kernel.pass_time(0.2, waited=0.8)
        sharing.look()
        assert sharing.alone and kernel.taken == [0, 1] and kernel.crowds == 0
    computing_on(2)
    kernel.pass_time(0.2, waited=0.8)
    sharing.look()
    assert kernel.taken == [0]


TRAINS = """
import torch
from playground.machine.core_sharing import share_cores

torch.set_num_threads(2)
share_cores()
ones = torch.ones(1 << 17)
while True:
    ones.add_(1)
"""


@pytest.mark.alone
def test_two_trainings_side_by_side_end_on_cores_of_their_own():
    cores = sorted(os.sched_getaffinity(0))[:2]
    command = [sys.executable, "-c", f"import os; os.sched_setaffinity(0, {cores})\n{TRAINS}"]
    trainings = [subprocess.Popen(command) for _ in range(2)]
    try:
        deadline = time.monotonic() + 120
        while {frozenset(os.sched_getaffinity(each.pid)) for each in trainings} != {frozenset([core]) for core in cores}:
            assert time.monotonic() < deadline and all(each.poll() is None for each in trainings)
            time.sleep(0.05)
    finally:
        for each in trainings:
            each.kill()
            each.wait()


@pytest.mark.slow
def test_drawn_together_it_computes_the_same_to_the_last_bit():
    config = RunConfig(network="resnet-tiny", batch_size=64, device="cpu")
    images, usual, cores = load_images(config.data, None)[0], torch.get_num_threads(), os.sched_getaffinity(0)
    torch.set_num_threads(2)
    try:
        apart, together = (Trainer(config, images, devices.pick("cpu", "resnet")) for _ in range(2))
        for _ in range(3):
            apart.update()
        take([min(cores)])
        crowd = _Crowd(2)
        for _ in range(3):
            together.update()
    finally:
        crowd.leave()
        take(cores)
        torch.set_num_threads(usual)
    assert all(torch.equal(each, together.method.state_dict()[name]) for name, each in apart.method.state_dict().items())


ENDS = """
import sys, threading, torch
from playground.cli import main as cli
from playground.machine import core_sharing

begun, ones = threading.Event(), torch.ones

def long(size):
    begun.set()
    while threading.main_thread().is_alive():
        ones(size).add_(1)
    for _ in range(2000):
        ones(size).add_(1)
    return ones(size)

torch.ones, core_sharing.CROWDED, core_sharing.PERIOD = long, -1, 0.001
core_sharing.share_cores()
begun.wait()
"""


@pytest.mark.slow
@pytest.mark.parametrize(("ending", "code"), [("sys.argv[1:] = ['train', '--data', 'nope']; cli.main()", 2), ("sys.exit(130)", 130)])
def test_the_exit_code_of_a_process_that_ends_while_its_crowd_is_within_torch(ending, code, home):
    done = subprocess.run([sys.executable, "-c", ENDS + ending], capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, "terminate" in done.stderr) == (code, False), done.stderr


def test_drawn_together_on_purpose_it_is_on_one_core_and_afterwards_as_before(monkeypatch):
    cores = os.sched_getaffinity(0)
    with together() as shared:
        assert shared and len(os.sched_getaffinity(0)) == 1
    assert os.sched_getaffinity(0) == cores
    take([min(cores)])
    try:
        with together() as shared:
            assert shared, "whoever has one core shares it already"
    finally:
        take(cores)
    sharing = CoreSharing(cores)
    monkeypatch.setattr(core_sharing, "_sharing", sharing)
    with together():
        assert not sharing.alone and sharing._lock.locked()  # whoever watches the cores does not undo it
    assert sharing.alone and not sharing._lock.locked() and os.sched_getaffinity(0) == cores


def test_the_kernel_counts_waiting_and_idle_time():
    cores = os.sched_getaffinity(0)
    assert waited() >= 0 and set(idle(cores)) == cores


@pytest.mark.slow
def test_what_works_behind_the_server_gives_way_and_keeps_to_one_thread():
    """Its session, too: a low priority counts only within its own session where Linux groups processes by sessions."""
    program = (
        "import os, torch, threadpoolctl\n"
        "from playground.machine.background import run_in_background\n"
        "run_in_background()\n"
        "group = open('/proc/self/autogroup').read() if os.path.exists('/proc/self/autogroup') else 'nice 10'\n"
        "pools = [each['num_threads'] for each in threadpoolctl.threadpool_info()]\n"
        "print(os.nice(0), torch.get_num_threads(), max(pools), group.split('nice')[1].strip())"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    ) as process:
        assert process.stdout.read().decode().split() == [str(min(os.nice(0) + 10, 19)), "1", "1", "10"]


@pytest.mark.slow
def test_where_cores_cannot_be_chosen_threads_that_wait_give_up_their_core(monkeypatch, tmp_path):
    program = "import os; del os.sched_setaffinity; from playground.machine.core_sharing import WAITING; print(WAITING['OMP_WAIT_POLICY'])"
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "PASSIVE"
    started = {}
    monkeypatch.setattr(child, "WAITING", {"OMP_WAIT_POLICY": "PASSIVE", "KMP_BLOCKTIME": "0"})
    monkeypatch.setattr(child, "spawn", lambda command, environment, **pipes: started.update(environment))
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    monkeypatch.setenv("KMP_BLOCKTIME", "5")
    child.start_child(("python",), threads=2, home=tmp_path)
    assert started["OMP_WAIT_POLICY"] == "PASSIVE"
    assert started["KMP_BLOCKTIME"] == "5"  # what people have set themselves stays
