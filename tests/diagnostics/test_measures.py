"""The diagnostics of clusters, dimension, similarity and information: closed forms, and independent references."""

import math
import warnings

import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm
from sklearn.linear_model import RidgeClassifier
from sklearn.metrics import davies_bouldin_score, silhouette_score

from playground.diagnostics import CATALOG, ON_DEMAND
from playground.diagnostics.clusters import davies_bouldin, silhouette
from playground.diagnostics.dimension import alpha_req, lidar, participation_ratio, two_nn
from playground.diagnostics.geometry import squared_distances, unit
from playground.diagnostics.information import view_information
from playground.diagnostics.probes import RIDGE, TESTED, knn_accuracy, linear_accuracy
from playground.diagnostics.similarity import cka_matrix, correlation, in_blocks, linear_cka, redundancy
from playground.randomness import seeded_generator


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def groups(classes, each=40, noise=0.3, size=6):
    """Points around as many centers, and their classes."""
    labels = torch.arange(classes).repeat_interleave(each)
    return 3 * normal(classes, size, seed=1)[labels] + noise * normal(len(labels), size), labels


def test_silhouette_and_davies_bouldin_agree_with_scikit_learn_for_every_factor():
    features, labels = groups(5, noise=2)
    factors = {"group": labels, "noise": torch.arange(len(labels)) % 3, "lonely": (torch.arange(len(labels)) < 1).long()}
    z = unit(features).numpy()
    widths, ratios = silhouette(features, factors), davies_bouldin(features, factors)
    for name, each in factors.items():
        assert widths[name] == pytest.approx(silhouette_score(z, each), abs=1e-5), name
        assert ratios[name] == pytest.approx(davies_bouldin_score(z.astype(float), each), rel=1e-5), name
    assert widths["group"] > 0.2 > 0.05 > widths["noise"]


def test_two_pairs_have_the_silhouette_and_davies_bouldin_of_a_ruler():
    angles = torch.tensor([0.0, 0.2, 1.4, 1.6])
    points = torch.stack((angles.cos(), angles.sin()), 1)

    def chord(angle):
        return 2 * math.sin(angle / 2)

    outer, inner = (chord(1.4) + chord(1.6)) / 2, (chord(1.2) + chord(1.4)) / 2
    expected = 1 - chord(0.2) * (1 / outer + 1 / inner) / 2
    factors = {"pair": torch.tensor([0, 0, 1, 1])}
    assert silhouette(points, factors)["pair"] == pytest.approx(expected, abs=1e-5)
    # Each center lies on the middle of its chord, cos(0.1) from the origin, and 1.4 apart.
    assert davies_bouldin(points, factors)["pair"] == pytest.approx(chord(0.2) / (math.cos(0.1) * chord(1.4)), abs=1e-5)


def test_a_missing_label_counts_for_nothing():
    features, labels = groups(4, noise=1)
    holes = labels.clone()
    holes[::3] = -1
    seen = holes >= 0
    for measure in (silhouette, davies_bouldin, linear_accuracy):
        alone = measure(features[seen], {"x": labels[seen]})["x"]
        assert float(measure(features, {"x": holes})["x"]) == pytest.approx(float(alone), abs=1e-5)
    few = torch.where(torch.arange(len(labels)) % 40 == 0, labels, -1)  # one of each class: no neighbor of its own has a label
    assert knn_accuracy(features, {"x": few}) == linear_accuracy(features, {"x": few}) == {}
    assert knn_accuracy(features, {"x": holes})["x"] > 0.95


def test_participation_ratio_of_equal_directions_is_their_number_and_of_a_line_one():
    cross = torch.cat((torch.eye(12), -torch.eye(12)))
    assert participation_ratio(cross + 5) == pytest.approx(12, rel=1e-5)
    assert participation_ratio(normal(50, 1) @ normal(1, 12, seed=1)) == pytest.approx(1, abs=1e-4)
    features = normal(30, 40) @ torch.diag(torch.linspace(0.1, 3, 40))
    values = np.linalg.eigvalsh(np.cov(features.double().numpy().T))
    assert participation_ratio(features) == pytest.approx(values.sum() ** 2 / (values**2).sum(), rel=1e-4)


@pytest.mark.parametrize("alpha", [0.5, 1.0, 2.0])
def test_a_spectrum_of_known_decay_has_that_alpha(alpha):
    directions, _ = torch.linalg.qr(normal(300, 60).double() - normal(300, 60).double().mean(0))
    features = directions * torch.arange(1, 61).double() ** (-alpha / 2)
    assert alpha_req(features.float()) == pytest.approx(alpha, rel=1e-3)


def test_alpha_agrees_with_weighted_least_squares():
    features = normal(90, 50) @ torch.diag(torch.linspace(3, 0.1, 50))
    values = np.sort(np.linalg.eigvalsh(np.cov(features.double().numpy().T)))[::-1]
    ranks = np.arange(4, 51)
    slope, _ = np.polyfit(np.log(ranks), np.log(values[3:50]), 1, w=np.sqrt(1 / ranks))
    assert alpha_req(features) == pytest.approx(-slope, rel=1e-4)


@pytest.mark.parametrize("size", [1, 2, 5])
def test_a_flat_surface_has_its_own_dimension_in_any_space(size):
    flat = torch.rand(1500, size, generator=torch.Generator().manual_seed(0))
    assert two_nn(flat @ normal(size, 64, seed=1)) == pytest.approx(size, rel=0.1)


def test_two_nn_agrees_with_the_definition_in_float64_loops():
    points = normal(60, 7).double().numpy()
    ratios = []
    for i in range(60):
        near = sorted(math.dist(points[i], points[j]) for j in range(60) if j != i)
        ratios.append(near[1] / near[0])
    pairs = [(math.log(mu), -math.log(1 - (i + 1) / 60)) for i, mu in enumerate(sorted(ratios)[:54])]
    assert two_nn(torch.from_numpy(points)) == pytest.approx(sum(x * y for x, y in pairs) / sum(x * x for x, _ in pairs), rel=1e-6)


def test_lidar_agrees_with_the_definition_in_float64_loops():
    views = (normal(30, 1, 8) + 0.4 * normal(30, 5, 8, seed=1)).double()
    x = views.numpy()
    between, within, mean = np.zeros((8, 8)), 1e-4 * np.eye(8), x.mean((0, 1))
    for image in x:
        between += np.outer(image.mean(0) - mean, image.mean(0) - mean) / 30
        for view in image:
            within += np.outer(view - image.mean(0), view - image.mean(0)) / 150
    root = np.linalg.inv(sqrtm(within).real)
    values = np.linalg.eigvalsh(root @ between @ root)
    shares = values / values.sum() + 1e-7
    assert lidar(views) == pytest.approx(math.exp(-(shares * np.log(shares)).sum()), rel=1e-6)


def test_lidar_counts_only_directions_in_which_images_differ_more_than_views():
    images = torch.cat((torch.eye(6), -torch.eye(6)))
    assert lidar(images[:, None].repeat(1, 4, 1)) == pytest.approx(6, rel=1e-4)
    loud = 0.01 * normal(12, 4, 6)
    loud[..., 3:] *= 10_000  # here views of one image differ far more than images do
    assert lidar(images[:, None] + loud - loud.mean(1, keepdim=True)) < 3.5


def test_cka_ignores_rotation_and_scale_and_is_that_of_its_definition():
    first, second = normal(40, 10), normal(40, 6, seed=1)
    turn, _ = torch.linalg.qr(normal(10, 10, seed=2))
    assert linear_cka(first, 3 * first @ turn + 5) == pytest.approx(1, abs=1e-5)
    x, y = (each.double().numpy() - each.double().numpy().mean(0) for each in (first, second))
    expected = np.linalg.norm(y.T @ x) ** 2 / (np.linalg.norm(x.T @ x) * np.linalg.norm(y.T @ y))
    assert linear_cka(first, second) == pytest.approx(expected, rel=1e-4)
    apart = torch.zeros(4, 1), torch.zeros(4, 1)
    apart[0][:2], apart[1][::2] = 1, 1
    assert linear_cka(*apart) == pytest.approx(0, abs=1e-6)
    layers = [first, second, first @ turn]
    assert torch.allclose(cka_matrix(layers), torch.stack([torch.stack([linear_cka(a, b) for b in layers]) for a in layers]), atol=1e-6)


def test_correlation_agrees_with_numpy_and_redundancy_is_what_is_off_its_diagonal():
    features = normal(50, 8) @ normal(8, 8, seed=1) + 3
    expected = np.corrcoef(features.numpy().T)
    assert np.allclose(correlation(features), expected, atol=1e-5)
    assert redundancy(features) == pytest.approx(np.abs(expected[~np.eye(8, dtype=bool)]).mean(), rel=1e-5)
    said_twice = normal(50, 1).repeat(1, 8) * torch.tensor([1, -1] * 4)
    assert redundancy(said_twice) == pytest.approx(1)
    said_twice[:, 2] = 7  # does not vary: it goes with nothing, and is not counted
    assert redundancy(said_twice) == pytest.approx(1) and not correlation(said_twice)[2].any()


def test_dimensions_that_go_together_are_put_together():
    kind = torch.tensor([0, 1, 2, 0, 1, 2, 0, 1, 2, 0])
    features = normal(200, 3)[:, kind] + 0.1 * normal(200, 10, seed=1)
    order = in_blocks(correlation(features))
    assert sorted(order.tolist()) == list(range(10))
    assert int((kind[order].diff() != 0).sum()) == 2


def test_views_that_agree_say_all_there_is_to_say_and_others_nothing():
    eye = torch.eye(64)
    assert view_information(eye, eye) == pytest.approx(math.log(64) - math.log1p(63 * math.exp(-10)), abs=1e-5)
    assert view_information(torch.ones(64, 8), torch.ones(64, 8)) == pytest.approx(0, abs=1e-5)
    assert view_information(eye, eye.roll(1, 0)) == 0
    first, second = unit(normal(9, 4)).double(), unit(normal(9, 4) + 0.2 * normal(9, 4, seed=1)).double()
    bound = math.log(9) - sum(
        math.log(sum(math.exp(float((first[i] @ second[j] - first[i] @ second[i]) / 0.1)) for j in range(9))) / 9 for i in range(9)
    )
    assert view_information(first, second) == pytest.approx(bound, abs=1e-4)


@pytest.mark.parametrize("size", [5, 400], ids=["tall", "wide"])
def test_the_linear_probe_is_the_ridge_classifier_of_scikit_learn(size):
    labels = torch.arange(200) % 4
    features = normal(200, size, seed=2) + normal(4, size, seed=1)[labels] * 3 / size**0.5
    order = torch.randperm(200, generator=seeded_generator(0, "split", 0)).numpy()
    test, fit = order[: round(TESTED * 200)], order[round(TESTED * 200) :]
    x = ((features - features.mean(0)) / features.std(0, correction=0)).double().numpy()
    expected = RidgeClassifier(alpha=RIDGE * size).fit(x[fit], labels[fit]).score(x[test], labels[test])
    assert linear_accuracy(features, {"x": labels})["x"] == pytest.approx(expected, abs=0.011)  # at most half an image by rounding
    assert 0.4 < expected < 1


def test_distances_are_right_also_where_features_are_almost_alike():
    points = 100 + 1e-3 * normal(30, 5).double()
    assert torch.allclose(squared_distances(points, torch.float64), torch.cdist(points, points).square(), rtol=1e-6)


HARD = {
    "constant": torch.full((30, 8), 0.1),
    "zeros": torch.zeros(30, 8),
    "two images": normal(2, 8),
    "four images": normal(4, 8),
    "one dimension": normal(30, 1),
    "wide": 1e6 * normal(8, 60),
    "tiny": 1e-30 * normal(30, 8),
    "huge": 1e15 * normal(30, 8),
}


@pytest.mark.parametrize("name", HARD)
def test_whatever_the_features_are_every_measure_is_a_number_within_its_range(name):
    features = HARD[name]
    first, second = features[: len(features) // 2], features[-(len(features) // 2) :]
    layer = {"features": features, "first": first, "second": second, "views": torch.stack((first, second), 1)}
    labels = torch.arange(len(features))
    factors = {"one": labels * 0, "own": labels, "half": labels % 2, "none": labels * 0 - 1, "some": labels % 3 - 1}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for each in [*CATALOG.values(), *ON_DEMAND.values()]:
            value = float(each(layer))
            assert math.isfinite(value), each.name
            if each.unit == "dimensions":
                # An epsilon in RankMe lifts a line a little above 1.
                assert each.low - 1e-6 <= value <= features.shape[1] * 1.01, each.name
        for measure in (silhouette, davies_bouldin, knn_accuracy, linear_accuracy):
            found = measure(features, factors)
            assert all(math.isfinite(float(value)) for value in found.values()), (measure.__name__, found)
            told = list(factors) if measure in (silhouette, davies_bouldin) else ["half", "some"] if len(features) == 30 else []
            assert list(found) == told
            assert measure(features, {}) == {}
        assert correlation(features).isfinite().all() and len(in_blocks(correlation(features))) == features.shape[1]
        assert 0 <= float(linear_cka(features, normal(len(features), 3))) <= 1
    if name in ("constant", "zeros"):
        assert not any(float(value) for value in (silhouette(features, factors) | davies_bouldin(features, factors)).values())
        assert participation_ratio(features) == 1 and lidar(layer["views"]) == pytest.approx(1, abs=1e-4)
        assert two_nn(features) == alpha_req(features) == linear_cka(features, features) == redundancy(features) == 0
