"""Layouts against closed forms and peers, and the projector with real processes, killed on purpose."""

import io
import os
import signal
import subprocess
import sys
import threading
import time
import warnings

import numpy as np
import pytest
import torch
from sklearn.manifold import trustworthiness
from torch.nn import functional as F

from playground.machine.child import PACKAGE
from playground.projection import LayoutWorker, exact_neighbors, pca, procrustes, umap_layout
from playground.projection.process import receive, send
from support.waiting import until


def features(count=400, size=24, seed=0, groups=8, apart=2.0):
    """Points around a few centers, with a few directions of their own."""
    centers, spread = (torch.randn(n, size, generator=torch.Generator().manual_seed(7)) for n in (groups, 6))
    own = torch.randn(count, 6, generator=torch.Generator().manual_seed(seed))
    return apart * centers[torch.arange(count) % groups] + own @ spread / 2


def turned(points, degrees, mirrored=False):
    angle = np.deg2rad(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return (points * ([-1, 1] if mirrored else [1, 1])) @ turn


def cloud(count=50, seed=0):
    return np.random.RandomState(seed).normal(size=(count, 2)) * [3, 1]


def moved(one, other):
    """How far points go from one layout to the next, on average, in shares of its width."""
    return np.linalg.norm(one - other, axis=1).mean() / np.ptp(one, 0).max()


# Procrustes


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("scale", [False, True])
def test_procrustes_undoes_a_turn_a_mirror_and_a_shift(mirrored, scale):
    away = turned(cloud(), 130, mirrored) + np.array([5, -7])
    np.testing.assert_allclose(procrustes(away, cloud(), scale=scale), cloud(), atol=1e-5)


def test_procrustes_resizes_only_when_it_may():
    away = 3 * turned(cloud(), 40)
    np.testing.assert_allclose(procrustes(away, cloud(), scale=True), cloud(), atol=1e-5)
    kept = procrustes(away, cloud(), scale=False)
    np.testing.assert_allclose(kept - cloud().mean(0), 3 * (cloud() - cloud().mean(0)), atol=1e-4)


def test_procrustes_leaves_no_turn_that_would_be_nearer():
    points, target = cloud(), cloud(seed=1)
    best = ((procrustes(points, target, scale=False) - target) ** 2).sum()
    center, others = target.mean(0), points - points.mean(0)
    every = [turned(others, degrees, mirrored) + center for degrees in range(0, 360, 3) for mirrored in (False, True)]
    assert best <= min(((each - target) ** 2).sum() for each in every) + 1e-3


@pytest.mark.parametrize("scale", [False, True])
def test_procrustes_of_a_single_spot_is_the_target_s_center(scale):
    np.testing.assert_allclose(procrustes(np.zeros((50, 2)), cloud(), scale=scale), np.tile(cloud().mean(0), (50, 1)), atol=1e-5)
    assert np.isfinite(procrustes(cloud(), np.zeros((50, 2)), scale=scale)).all()


# PCA


@pytest.mark.parametrize("count, size", [(200, 24), (20, 100)])
def test_pca_is_the_singular_value_decomposition(count, size):
    rows = features(count, size).double()
    left, strengths, _ = torch.linalg.svd(rows - rows.mean(0), full_matrices=False)
    np.testing.assert_allclose(np.abs(pca(rows)), (left[:, :2] * strengths[:2]).abs(), atol=1e-4)


def test_pca_lies_as_the_previous_layout_does():
    layout = pca(features())
    for previous in (turned(layout, 0, mirrored=True), turned(layout, 73)):
        np.testing.assert_allclose(pca(features(), previous.astype(np.float32)), previous, atol=1e-4)


def test_pca_starts_afresh_when_there_are_other_rows():
    np.testing.assert_array_equal(pca(features(100), pca(features(90))), pca(features(100)))


@pytest.mark.parametrize("value", [0.0, 1.0, 1234.567, -3e-5])
def test_pca_of_constant_features_is_zero(value):
    rows = torch.full((30, 8), value)
    assert not pca(rows).any() and not pca(rows * (1 + 1e-7 * torch.randn(30, 8))).any()
    assert not pca(rows, cloud(30).astype(np.float32)).any()


@pytest.mark.parametrize("shape", [(0, 5), (1, 5), (2, 5), (9, 1), (3, 3)])
def test_pca_of_little_is_still_two_columns(shape):
    layout = pca(torch.randn(shape, generator=torch.Generator().manual_seed(0)))
    assert layout.shape == (shape[0], 2) and layout.dtype == np.float32 and np.isfinite(layout).all()


# Neighbors


def test_neighbors_are_those_of_comparing_every_pair():
    units = F.normalize(features(60), dim=1).double()
    indices, distances = exact_neighbors(features(60), 7)
    for row in range(60):
        every = (units - units[row]).norm(dim=1)
        expected = every.argsort(stable=True)[:7]
        assert set(indices[row]) == set(expected.tolist()) and indices[row][0] == row
        np.testing.assert_allclose(distances[row], every[expected], atol=1e-3)


def test_a_point_is_its_own_first_neighbor_among_copies():
    indices, distances = exact_neighbors(torch.ones(40, 3), 5)
    assert (indices[:, 0] == np.arange(40)).all() and distances.max() < 1e-3


def test_rows_of_zeros_are_neighbors_of_each_other():
    rows = features(60)
    rows[:20] = 0
    indices, distances = exact_neighbors(rows, 5)
    assert indices[:20].max() < 20 and not distances[:20].any()


def test_neighbors_of_many_points_are_found_in_parts():
    rows = torch.randn(5000, 3, generator=torch.Generator().manual_seed(0))
    indices, _ = exact_neighbors(rows, 3)
    units = F.normalize(rows, dim=1)
    assert (indices[:, 0] == np.arange(5000)).all()
    assert indices[4999, 1] == (units @ units[4999]).topk(2).indices[1]


# UMAP


@pytest.fixture(scope="module")
def cold():
    """The first layout of `features()`; compiles UMAP."""
    return umap_layout(features())


def quality(rows, layout):
    return trustworthiness(F.normalize(rows, dim=1).numpy(), layout, n_neighbors=15)


@pytest.mark.slow
def test_umap_keeps_neighborhoods_as_plain_fit_does(cold):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import umap

        plain = umap.UMAP(random_state=0, n_jobs=1).fit_transform(F.normalize(features(), dim=1).numpy())
    warm = umap_layout(features(seed=0) + 0.1 * features(seed=1), cold)
    floor = quality(features(), plain) - 0.02
    assert quality(features(), cold) > floor and quality(features(seed=0) + 0.1 * features(seed=1), warm) > floor
    assert floor > quality(features(), pca(features())) + 0.02, "PCA, which is easier, must not pass for it"


@pytest.mark.slow
def test_umap_frames_move_and_do_not_jump(cold):
    layout, sizes = cold, [np.linalg.norm(np.ptp(cold, 0))]
    for frame in range(1, 5):
        following = umap_layout(features() + 0.1 * frame * features(seed=1), layout, seed=frame)
        assert 0.001 < moved(layout, following) < 0.08
        layout = following
        sizes.append(np.linalg.norm(np.ptp(layout, 0)))
    assert abs(sizes[-1] / sizes[0] - 1) < 0.25, "the map neither grows nor shrinks from frame to frame"


@pytest.mark.slow
def test_umap_lies_as_the_previous_layout_does(cold):
    previous = turned(cold, 90, mirrored=True).astype(np.float32)
    assert moved(previous, umap_layout(features(), previous)) < 0.08


@pytest.mark.slow
def test_umap_keeps_the_proportions_of_what_is_long(cold):
    """Plain `fit` squeezes the start of every frame into a square."""
    along = torch.linspace(0, 2.5, 300)
    rows = torch.stack((along.cos(), along.sin()), 1) + 0.02 * torch.randn(300, 2, generator=torch.Generator().manual_seed(0))
    first = umap_layout(rows)
    second = umap_layout(rows, first)
    long = [np.linalg.svd(each - each.mean(0), compute_uv=False) for each in (first, second)]
    proportions = [each[0] / each[1] for each in long]
    assert proportions[0] > 1.3 and abs(proportions[1] / proportions[0] - 1) < 0.2 and moved(first, second) < 0.08


@pytest.mark.slow
def test_umap_of_one_seed_is_one_layout(cold):
    np.testing.assert_array_equal(umap_layout(features()), cold)
    assert not np.array_equal(umap_layout(features(), seed=1), cold)


@pytest.mark.parametrize("count", [0, 1, 2, 16])
def test_too_few_points_are_laid_out_by_pca(count):
    np.testing.assert_array_equal(umap_layout(features(count)), pca(F.normalize(features(count), dim=1)))


@pytest.mark.slow
def test_the_fewest_points_for_umap(cold):
    rows = features(17)
    first = umap_layout(rows)
    assert np.isfinite(first).all() and not np.array_equal(first, pca(F.normalize(rows, dim=1)))
    assert np.isfinite(umap_layout(rows, first)).all()


@pytest.mark.slow
@pytest.mark.parametrize("noise, spread", [(0, 0), (1e-6, 1e-4)])
def test_collapsed_features_stay_one_spot(cold, noise, spread):
    collapsed = torch.ones(400, 24) + noise * features()
    layout = umap_layout(collapsed, cold)
    assert np.ptp(layout, 0).max() <= spread
    again = umap_layout(features(), layout)
    assert quality(features(), again) > quality(features(), cold) - 0.005, "and the map recovers from it at once"


@pytest.mark.slow
def test_features_on_one_line_and_broken_numbers_are_laid_out(cold):
    two_spots = torch.linspace(-1, 1, 400)[:, None] * torch.ones(1, 24)
    assert np.isfinite(umap_layout(two_spots, cold)).all()
    assert np.isfinite(umap_layout(features().fill_(torch.nan), cold)).all()
    assert not umap_layout(features().fill_(torch.nan)).any()


# The projector

# Answers at once: the mean of the features in both columns. What it prints must not reach the answers.
QUICK = f"""
import sys; sys.path.insert(0, {str(PACKAGE)!r})
import time
from playground.projection import process
def quick(features, previous=None, **settings):
    print("a library says something")
    if len(features) == 13: time.sleep(1)
    if len(features) == 14: raise SystemExit("a frame that kills")
    return features[:, :2].numpy() + (0 if previous is None or not len(previous) else previous)
process.LAYOUTS.update(umap=quick, tsne=lambda *given: -quick(*given))
process.main()
"""


class QuickProjector(LayoutWorker):
    command = (sys.executable, "-c", QUICK)


@pytest.fixture(scope="module")
def shared():
    projector = QuickProjector()
    yield projector
    projector.close()


@pytest.fixture
def quick(shared):
    """A projector that is ready, idle and remembers nothing, whatever the last test did to it."""
    until(lambda: not shared._waiting)
    assert len(ask(shared, np.ones((5, 2), np.float32), "idle")) == 5
    for key in list(shared._layouts):
        shared.forget(key)
    return shared


class Inbox:
    """Collects layouts; `wait` returns them once there are so many."""

    def __init__(self):
        self.layouts, self._came = [], threading.Condition()

    def __call__(self, layout):
        with self._came:
            self.layouts.append(layout)
            self._came.notify_all()

    def wait(self, count=1, seconds=120):
        with self._came:
            assert self._came.wait_for(lambda: len(self.layouts) >= count, seconds), "no layout came"
            return self.layouts


def ask(projector, rows, key="run"):
    inbox = Inbox()
    projector.submit(key, rows, inbox)
    return inbox.wait()[0]


@pytest.mark.slow
def test_real_frames_are_aligned():
    projector = LayoutWorker()
    try:
        assert not projector.ready
        first = ask(projector, features())
        assert projector.ready
        second = ask(projector, features() + 0.1 * features(seed=1))
        assert 0.001 < moved(first, second) < 0.08 and quality(features(), first) > 0.9
    finally:
        projector.close()
    assert not projector.ready and not projector._executor._thread.is_alive()


@pytest.mark.slow
def test_previous_layouts_are_kept_by_key_until_forgotten(quick):
    rows = np.ones((5, 2), np.float32)
    assert [ask(quick, rows, key)[0, 0] for key in ("a", "a", "b", "a")] == [1, 2, 1, 3]
    quick.forget("a")
    assert ask(quick, rows, "a")[0, 0] == 1 and ask(quick, torch.ones(5, 2), "b")[0, 0] == 2


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "nice"), reason="no priorities here")
def test_the_process_steps_back_behind_training(quick):
    own = os.getpriority(os.PRIO_PROCESS, 0)
    assert os.getpriority(os.PRIO_PROCESS, quick._process.pid) == min(19, own + 10)


@pytest.mark.slow
def test_another_count_of_rows_starts_afresh(quick):
    assert [ask(quick, np.ones((count, 2), np.float32))[0, 0] for count in (5, 5, 6)] == [1, 2, 1]


@pytest.mark.slow
def test_a_newer_frame_replaces_one_that_waits(quick):
    slow, inbox, other = Inbox(), Inbox(), Inbox()
    quick.submit("slow", np.ones((13, 2), np.float32), slow)
    until(lambda: not quick._waiting)
    for value in (1, 2, 3):
        quick.submit("run", np.full((5, 2), value, np.float32), inbox)
    quick.submit("other", np.ones((5, 2), np.float32), other)
    other.wait()
    assert [layout[0, 0] for layout in inbox.layouts] == [3], "one answer, to the newest"
    assert len(slow.layouts) == 1


@pytest.mark.slow
def test_what_is_forgotten_is_not_called_back(quick):
    running, waiting = Inbox(), Inbox()
    quick.submit("running", np.ones((13, 2), np.float32), running)
    until(lambda: not quick._waiting)
    quick.submit("waiting", np.ones((5, 2), np.float32), waiting)
    quick.forget("running")
    quick.forget("waiting")
    assert len(ask(quick, np.ones((5, 2), np.float32), "after")) == 5
    assert not running.layouts and not waiting.layouts


@pytest.mark.slow
def test_after_sigkill_the_next_frame_goes_on_from_the_last(quick):
    assert ask(quick, np.ones((5, 2), np.float32))[0, 0] == 1
    os.kill(quick._process.pid, signal.SIGKILL)
    assert ask(quick, np.ones((5, 2), np.float32))[0, 0] == 2 and quick.ready


@pytest.mark.slow
def test_a_death_that_the_system_has_not_reported_yet_costs_no_frame(quick, monkeypatch):
    monkeypatch.setattr(QuickProjector, "ready", True)
    os.kill(quick._process.pid, signal.SIGKILL)
    assert ask(quick, np.full((5, 2), 3, np.float32))[0, 0] == 3


@pytest.mark.slow
def test_sigkill_in_the_middle_of_a_frame_does_not_lose_it(quick):
    inbox = Inbox()
    quick.submit("run", np.ones((13, 2), np.float32), inbox)
    until(lambda: not quick._waiting)
    time.sleep(0.2)
    os.kill(quick._process.pid, signal.SIGKILL)
    assert len(inbox.wait()[0]) == 13 and quick.ready


@pytest.mark.slow
def test_a_frame_that_kills_every_process_is_laid_out_by_pca(quick):
    rows = features(14)
    np.testing.assert_allclose(ask(quick, rows), pca(rows), atol=1e-5)
    assert len(ask(quick, features(5))) == 5


@pytest.mark.slow
def test_a_frame_that_was_asked_for_starts_where_it_is_told_and_is_not_replaced(quick):
    slow = Inbox()
    quick.submit("slow", np.ones((13, 2), np.float32), slow)
    until(lambda: not quick._waiting)
    answers = [quick.lay_out("umap", np.full((5, 2), value), np.full((5, 2), 10)) for value in (1, 2)]
    answers.append(quick.lay_out("tsne", torch.ones(5, 2)))
    assert [answer.result(60)[0, 0] for answer in answers] == [11, 12, -1]
    until(lambda: not quick._promised)
    assert set(quick._layouts) <= {"slow", "idle"}, "and nothing is remembered for it"


@pytest.mark.slow
def test_what_was_asked_for_is_cancelled_when_it_closes():
    projector = QuickProjector()
    waiting = projector.lay_out("umap", np.ones((13, 2)))
    projector.close()
    assert waiting.cancelled() and projector.lay_out("umap", np.ones((5, 2))).cancelled()


@pytest.mark.slow
def test_a_failing_callback_ends_nothing(quick, caplog):
    def fails(layout):
        raise RuntimeError("the listener's own mistake")

    quick.submit("run", np.ones((5, 2), np.float32), fails)
    assert len(ask(quick, np.ones((5, 2), np.float32), "other")) == 5
    assert "the listener's own mistake" in caplog.text


@pytest.mark.slow
def test_closing_while_it_starts_or_works_ends_it():
    projector = QuickProjector()
    projector.submit("run", np.ones((13, 2), np.float32), Inbox())
    until(lambda: projector._process is not None)
    process = projector._process
    projector.close()
    projector.close()
    assert process.poll() is not None and not projector._executor._thread.is_alive()


@pytest.mark.slow
def test_the_process_ends_when_its_input_does_and_only_answers_leave_it():
    process = subprocess.Popen(QuickProjector.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    with process:
        assert receive(process.stdout) == ("", [])
        send(process.stdin, np.ones((4, 3)), np.zeros((4, 2)), kind="umap")
        np.testing.assert_array_equal(receive(process.stdout)[1][0], np.ones((4, 2)))
        process.stdin.close()
        assert process.stdout.read() == b"" and b"a library says something" in process.stderr.read()
        assert process.wait(20) == 0


SERVER = f"""
import sys; sys.path.insert(0, {str(PACKAGE)!r})
import time
from playground.projection import LayoutWorker
class Quick(LayoutWorker):
    command = (sys.executable, "-c", {QUICK!r})
projector = Quick()
while not projector.ready: time.sleep(0.02)
print("ready", flush=True)
time.sleep(600)
"""


@pytest.mark.slow
def test_no_orphan_stays_when_the_server_is_killed():
    server = subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    with server:
        assert server.stdout.readline() == b"ready\n"
        server.kill()
        # The projector's process has inherited this pipe: it ends with the last process that holds it.
        reader = threading.Thread(target=server.stderr.read, daemon=True)
        reader.start()
        reader.join(20)
        assert not reader.is_alive()


def test_messages_are_exact_and_a_broken_one_is_the_end():
    stream = io.BytesIO()
    send(stream, np.arange(6).reshape(3, 2), np.zeros((0, 2)), kind="tsne")
    whole = stream.getvalue()
    kind, (first, second) = receive(io.BytesIO(whole))
    assert kind == "tsne"
    np.testing.assert_array_equal(first, np.arange(6).reshape(3, 2))
    assert second.shape == (0, 2)
    for size in (0, 5, len(whole) - 1):
        with pytest.raises(EOFError):
            receive(io.BytesIO(whole[:size]))


@pytest.mark.slow
def test_importing_it_imports_neither_umap_nor_streamlit():
    check = "import sys, playground.projection; sys.exit(any(name in sys.modules for name in ('umap', 'numba', 'streamlit')))"
    assert subprocess.run([sys.executable, "-c", check], cwd=PACKAGE, check=False).returncode == 0
