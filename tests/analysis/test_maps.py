"""Maps against closed forms and scikit-learn."""

import warnings

import numpy as np
import pytest
import torch
from sklearn.metrics import adjusted_mutual_info_score
from sklearn.neighbors import NearestNeighbors
from torch.nn import functional as F

from playground.analysis import maps
from playground.analysis.map_kinds import KINDS, kinds_of
from playground.projection import tsne_layout


def groups(count=90, size=16, many=3, spread=0.05, seed=0):
    """Points close around a few directions -> features, which group each is of."""
    centers = F.normalize(torch.randn(many, size, generator=torch.Generator().manual_seed(7)), dim=1)
    own = torch.arange(count) % many
    return centers[own] + spread * torch.randn(count, size, generator=torch.Generator().manual_seed(seed)), own


def turned(size, seed):
    return torch.linalg.qr(torch.randn(size, size, generator=torch.Generator().manual_seed(seed)))[0]


@pytest.mark.parametrize("kind", ["pca", "pca3"])
def test_frames_of_a_cloud_that_is_turned_do_not_move(kind):
    features, _ = groups(spread=0.3)
    unturned, _ = KINDS[kind].frame(features, None)
    frame = first = unturned @ turned(unturned.shape[1], 9).numpy()
    for seed in range(5):
        frame, numbers = KINDS[kind].frame(features @ turned(16, seed), frame)
    np.testing.assert_allclose(frame, first, atol=1e-4)
    variance = torch.linalg.svdvals((features - features.mean(0)).double()).square()
    assert numbers["variance"] == pytest.approx((variance / variance.sum())[: first.shape[1]].tolist(), rel=1e-4)


@pytest.mark.slow
def test_t_sne_goes_on_from_the_frame_before_and_stays_good():
    features, own = groups(60, spread=0.2)
    first = tsne_layout(features)
    second = tsne_layout(features + 0.02 * torch.randn(60, 16, generator=torch.Generator().manual_seed(1)), first)
    assert np.linalg.norm(second - first, axis=1).mean() < 0.12 * np.ptp(first, 0).max()
    for layout in (first, second):
        nearest = NearestNeighbors(n_neighbors=2).fit(layout).kneighbors(layout)[1][:, 1]
        assert (own[nearest] == own).all()


@pytest.mark.parametrize("count", [0, 1, 2, 4, 5, 9])
def test_t_sne_of_few_points_or_of_one_spot_is_two_columns(count):
    features, _ = groups(count)
    for rows in (features, torch.ones(count, 16), features * torch.nan):
        layout = tsne_layout(rows, np.zeros((count, 2), np.float32))
        assert layout.shape == (count, 2) and np.isfinite(layout).all()


@pytest.mark.parametrize("size", [2, 3])
def test_a_sphere_is_the_unit_rows_as_they_are(size):
    features, _ = groups(size=size)
    frame, numbers = KINDS["sphere"].frame(features, np.zeros((90, size), np.float32))
    np.testing.assert_allclose(frame, F.normalize(features, dim=1), atol=1e-6)
    assert not numbers and KINDS["sphere"].dimensions(size) == size and "sphere" in kinds_of(size)
    assert "sphere" not in kinds_of(64)


def test_neighbors_are_those_of_scikit_learn():
    features, _ = groups(spread=1.0)
    distances, rows = NearestNeighbors(n_neighbors=8, metric="cosine").fit(features.numpy()).kneighbors(features[5:6].numpy())
    similarity = maps.similarities(features, features[5])
    assert maps.nearest(similarity, 7, leave_out=5) == rows[0][1:].tolist()
    np.testing.assert_allclose(1 - similarity[rows[0]], distances[0], atol=1e-5)
    near = maps.near(3, 0.5)
    assert near == {"image": 3, "similarity": 0.5, "distance": 1.0} and maps.near(0, 1 + 1e-7)["distance"] == 0


def test_constant_features_are_equally_near_and_keep_their_order():
    for rows in (torch.ones(20, 4), torch.zeros(20, 4)):
        similarity = maps.similarities(rows, rows[3])
        assert not maps.told_apart(similarity) and maps.nearest(similarity, 4, leave_out=1) == [0, 2, 3, 4]
    features, _ = groups()
    assert maps.told_apart(maps.similarities(features, features[0]))


@pytest.mark.parametrize("kind", ["pca", "pca3", "sphere", "umap", "tsne"])
def test_an_image_that_is_on_the_map_lands_on_its_own_point(kind):
    features, _ = groups(size=3, spread=0.4)
    before = np.random.RandomState(0).normal(size=(90, KINDS[kind].dimensions(3))).astype(np.float32)
    frame = 20 * before if KINDS[kind].slow else KINDS[kind].frame(features, before)[0]
    for row in (0, 41):
        np.testing.assert_allclose(KINDS[kind].land(features, frame, features[row]), frame[row], atol=0.01 * np.ptp(frame))


def test_pca_lands_a_new_image_where_the_axes_say():
    features, _ = groups(spread=0.4)
    frame, _ = KINDS["pca"].frame(features, None)
    between = (features[0] + features[1]) / 2
    np.testing.assert_allclose(KINDS["pca"].land(features, frame, between), (frame[0] + frame[1]) / 2, atol=1e-4)
    one_spot = torch.ones(9, 4)
    assert (KINDS["pca"].land(one_spot, KINDS["pca"].frame(one_spot, None)[0], torch.arange(4.0)) == 0).all()


def test_among_neighbors_a_new_image_lies_within_them():
    features, own = groups()
    frame = np.random.RandomState(0).normal(size=(90, 2)).astype(np.float32) + 100 * own[:, None].numpy()
    landed = KINDS["umap"].land(features, frame, features[own == 1].mean(0))
    assert np.abs(landed - 100).max() < 4


def test_the_share_of_neighbors_kept_is_one_for_the_points_themselves_and_chance_for_noise():
    plane = np.random.RandomState(0).normal(size=(300, 2))
    circle = np.stack([np.cos(np.arange(300) * 0.02), np.sin(np.arange(300) * 0.02)], 1)
    assert maps.neighbors_kept(torch.from_numpy(circle), circle) == 1
    assert maps.neighbors_kept(torch.from_numpy(plane), np.random.RandomState(1).normal(size=(300, 2))) < 0.1
    assert maps.neighbors_kept(torch.ones(11, 3), np.zeros((11, 2))) is None


def test_clusters_keep_their_numbers_when_points_move():
    labels = None
    for seed in range(4):
        features, own = groups(seed=seed)
        found = maps.clusters(features, 3, labels, seed=seed)
        assert labels is None or (found == labels).all()
        assert adjusted_mutual_info_score(own, found) == pytest.approx(1)
        labels = found


def test_numbers_are_given_so_that_most_points_keep_theirs():
    before = np.array([0, 0, 0, 1, 1, 2, 2, 2])
    assert maps.renumbered(np.array([2, 2, 2, 0, 0, 1, 1, 0]), before, 3).tolist() == [0, 0, 0, 1, 1, 2, 2, 1]


@pytest.mark.parametrize("k", [1, 0, 90, 91, 10_000])
def test_clusters_must_be_fewer_than_points(k):
    with pytest.raises(ValueError, match=f"k must be from 2 to 89, one less than the number of points, got {k}"):
        maps.clusters(groups()[0], k)


def test_constant_features_are_one_cluster_without_a_silhouette():
    rows = torch.ones(20, 4)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        labels = maps.clusters(rows, 3)
        again = maps.clusters(rows, 3, labels)
    assert set(labels) == {0} == set(again) and maps.silhouette(rows, labels) is None
    assert np.isfinite(maps.clusters(torch.full((20, 4), torch.nan), 3)).all()


def test_agreement_is_one_for_the_same_and_nothing_for_unlabeled():
    features, own = groups()
    factors = {
        "group": own.tolist(),
        "none": [-1] * 90,
        "some": [int(each) if row % 2 else -1 for row, each in enumerate(own)],
        "one": [0] * 90,
    }
    found = maps.agreement((own.numpy() + 1) % 3, factors)
    assert found["group"] == pytest.approx(1) and found["some"] == pytest.approx(1) and "none" not in found and found["one"] == 0
    assert maps.silhouette(features, own.numpy()) > 0.7 > 0 > maps.silhouette(features, own.roll(1).numpy() * 0 + np.arange(90) // 30)
