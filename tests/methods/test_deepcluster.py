"""DeepCluster: whitening and k-means against scikit-learn, matching against loops, and what a round does to the labels."""

import itertools

import pytest
import torch
import torch.nn.functional as F

from playground.methods.deepcluster import k_means, k_means_plus_plus, means, reassigned, whitened, whitener
from support.trainings import tiny_config, trainer_of

cluster = pytest.importorskip("sklearn.cluster", reason="scikit-learn is not installed: pip install -e '.[test]'")
decomposition = pytest.importorskip("sklearn.decomposition")


def blobs(count=300, size=6, groups=5, seed=0):
    generator = torch.Generator().manual_seed(seed)
    centers = 2 * torch.randn(groups, size, generator=generator)
    return centers[torch.arange(count) % groups] + torch.randn(count, size, generator=generator)


def trainer(**more):
    return trainer_of(tiny_config(method="deepcluster", batch_size=32, steps=20, **more))


@pytest.mark.slow
@pytest.mark.parametrize("groups", [3, 12])
def test_k_means_from_the_same_centers_is_scikit_learns(groups):
    points = blobs().double()
    start = points[:groups]
    theirs = cluster.KMeans(groups, init=start.numpy(), n_init=1, algorithm="lloyd", tol=0, max_iter=200).fit(points.numpy())
    labels, centers = k_means(points, start, 200)
    assert labels.tolist() == theirs.labels_.tolist()
    assert torch.allclose(centers, torch.tensor(theirs.cluster_centers_), atol=1e-9)


def test_empty_clusters_go_to_the_farthest_points():
    """Two centers far from everything have no members: the next ones are the two points worst served."""
    points = torch.tensor([[0.0, 0], [0, 1], [1, 0], [9, 0], [0, 8]])
    start = torch.tensor([[0.0, 0], [100, 100], [200, 200]])
    labels, centers = k_means(points, start, 1)
    assert centers[1:].tolist() == [[9, 0], [0, 8]]
    assert labels.tolist() == [0, 0, 0, 1, 2]


def test_means_of_clusters_that_have_members_are_their_means():
    points, labels = blobs(20), torch.arange(20) % 3
    spare = torch.full((4, 6), 7.0)
    got = means(points, labels, spare)
    assert torch.allclose(got[:3], torch.stack([points[labels == k].mean(0) for k in range(3)]), atol=1e-6)
    assert torch.equal(got[3], spare[0])


def test_starting_centers_are_points_apart_from_each_other_and_follow_the_generator():
    points = blobs(groups=8)
    first, again, other = (k_means_plus_plus(points, 8, torch.Generator().manual_seed(seed)) for seed in (0, 0, 1))
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert all((points == center).all(1).any() for center in first)
    assert torch.pdist(first).min() > 0
    uniform = torch.stack([points[torch.randperm(300, generator=torch.Generator().manual_seed(s))[:8]] for s in range(30)])
    spread = torch.stack([k_means_plus_plus(points, 8, torch.Generator().manual_seed(seed)) for seed in range(30)])
    cost = [torch.stack([torch.cdist(points, each).amin(1).square().sum() for each in several]).mean() for several in (spread, uniform)]
    assert cost[0] < cost[1]


def test_equal_points_can_be_clustered():
    labels, centers = k_means(torch.ones(10, 3), k_means_plus_plus(torch.ones(10, 3), 4, torch.Generator().manual_seed(0)), 3)
    assert torch.isfinite(centers).all() and labels.max() < 4


@pytest.mark.parametrize("size", [2, 6])
def test_whitening_is_scikit_learns_pca(size):
    features = blobs().double() * torch.tensor([5.0, 1, 0.1, 2, 3, 1])
    theirs = torch.tensor(decomposition.PCA(size, whiten=True, svd_solver="full").fit_transform(features.numpy()))
    mean, whitening = whitener(features, size)
    ours = (features - mean) @ whitening
    assert torch.allclose(ours.abs(), theirs.abs(), atol=1e-5)
    assert torch.allclose(ours.T @ ours / 299, torch.eye(size).double(), atol=1e-5)
    assert torch.allclose(whitened(features, mean, whitening), F.normalize(ours, dim=1))


def test_reassigned_does_not_care_what_clusters_are_called():
    before = torch.tensor([0, 0, 0, 1, 1, 1, 2, 2])
    assert float(reassigned(before, (before + 1) % 3, 3)) == 0
    moved = torch.tensor([1, 1, 0, 0, 0, 0, 2, 2])  # one image of cluster 0 went to what was cluster 1
    assert float(reassigned(before, moved, 3)) == pytest.approx(1 / 8)


@pytest.mark.slow
def test_rounds_come_when_they_are_due_and_give_every_image_a_label():
    made = trainer(**{"method.every": 3, "method.clusters": 10})
    seen = []
    for _ in range(7):
        made.update()
        seen.append(made.method.labels.clone())
    assert [not torch.equal(a, b) for a, b in itertools.pairwise(seen)] == [False, False, True, False, False, True]
    assert seen[0].bincount(minlength=10).min() > 0
    assert made.method.training
    with torch.no_grad():
        made.method.before_step(10, made.images.pixels, torch.Generator().manual_seed(0))
        shares = made.method.eval().assignments(made.images.pixels[:64].float() / 255)["clusters"]
    assert shares.argmax(1).tolist() == made.method.labels[:64].tolist()


def test_each_cluster_weighs_the_same_however_small():
    made = trainer(**{"method.clusters": 2})
    batch = made.batch(1)
    made.method.labels.zero_()
    made.method.labels[batch.rows[:4]] = 1
    with torch.no_grad():
        logits = made.method.head(made.method.backbone(batch.views[0]))
        each = F.cross_entropy(logits, made.method.labels[batch.rows], reduction="none").double()
        share = 4 / (4096 - 4)
        expected = (each[:4].sum() + share * each[4:].sum()) / (4 + share * (len(each) - 4))
        assert float(made.method.loss(batch, None)["loss"]) == pytest.approx(float(expected), rel=1e-5)


@pytest.mark.slow
def test_a_fresh_round_has_a_new_head():
    for fresh in (True, False):
        made = trainer(**{"method.fresh": fresh})
        before = made.method.head.weight.detach().clone()
        made.method.before_step(1, made.images.pixels, torch.Generator().manual_seed(0))
        assert torch.equal(made.method.head.weight, before) != fresh
