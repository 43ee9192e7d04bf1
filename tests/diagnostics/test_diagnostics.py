import math

import numpy as np
import pytest
import torch
from sklearn.linear_model import LinearRegression
from sklearn.metrics import r2_score
from sklearn.neighbors import KNeighborsClassifier

from playground.diagnostics import CATALOG
from playground.diagnostics.assignments import bin_use
from playground.diagnostics.factors import COLOR, average_colors, causes_of, explained, explained_by, too_few_to_explain
from playground.diagnostics.geometry import BINS, alignment, feature_std, similarity_histograms, uniformity, view_agreement
from playground.diagnostics.probes import NEIGHBORS, TEMPERATURE, knn_accuracy
from playground.diagnostics.spectrum import effective_rank, rankme, rankme_centered, singular_values


def sphere(count, size, seed=0):
    return torch.randn(count, size, generator=torch.Generator().manual_seed(seed))


def test_alignment_is_zero_for_equal_two_for_orthogonal_four_for_opposite_views():
    x = sphere(50, 8)
    assert alignment(x, 3 * x) == pytest.approx(0, abs=1e-6)
    assert alignment(x, -x) == pytest.approx(4)
    assert alignment(torch.eye(4), torch.eye(4).roll(1, 0)) == pytest.approx(2)


def test_collapsed_features_have_zero_uniformity():
    assert uniformity(torch.ones(100, 16)) == pytest.approx(0, abs=1e-5)


def test_uniformity_of_two_opposite_points_is_minus_eight():
    assert uniformity(torch.tensor([[1.0, 0], [-1, 0]])) == pytest.approx(-8)


@pytest.mark.parametrize(("size", "limit"), [(2, -1.575), (3, -2.080), (32, -3.752), (128, -3.938)])
def test_uniform_features_reach_the_known_limit(size, limit):
    assert uniformity(sphere(3000, size)) == pytest.approx(limit, abs=0.03)


def test_uniformity_agrees_with_float64_loops():
    z = torch.nn.functional.normalize(sphere(12, 5).double(), dim=1)
    pairs = [math.exp(-2 * float((z[i] - z[j]).square().sum())) for i in range(12) for j in range(i)]
    assert uniformity(z) == pytest.approx(math.log(np.mean(pairs)), abs=1e-6)


def test_feature_std_is_one_over_root_d_on_the_sphere_and_zero_when_collapsed():
    assert feature_std(sphere(4000, 64)) == pytest.approx(1 / 8, rel=0.01)
    assert feature_std(torch.ones(50, 64)) == pytest.approx(0, abs=1e-7)


def test_rankme_of_orthogonal_features_is_full_and_of_a_line_is_one():
    assert rankme(torch.eye(32).repeat(4, 1)) == pytest.approx(32, rel=1e-3)
    assert rankme(torch.ones(100, 32)) == pytest.approx(1, abs=0.01)


def test_rankme_agrees_with_numpy():
    features = sphere(60, 20) @ torch.diag(torch.linspace(0.1, 3, 20))
    values = np.linalg.svd(features.double().numpy(), compute_uv=False)
    shares = values / values.sum() + 1e-7
    assert rankme(features) == pytest.approx(math.exp(-(shares * np.log(shares)).sum()), rel=1e-5)
    assert np.allclose(singular_values(features), values, atol=1e-6)


def test_a_common_mean_hides_rank_from_rankme_but_not_from_the_centered_one():
    features = sphere(400, 32) + 100
    assert rankme(features) < 10
    assert rankme_centered(features) > 30


def test_features_of_zeros_have_rank_one_and_no_nan():
    assert effective_rank(torch.zeros(10)) == pytest.approx(1, abs=1e-4)
    for measure in CATALOG.values():
        zeros = {"features": torch.zeros(30, 8), "first": torch.zeros(5, 8), "second": torch.zeros(5, 8)}
        assert torch.isfinite(measure(zeros)), measure.name


@pytest.mark.slow
def test_knn_agrees_with_scikit_learn():
    features = sphere(300, 10).double()
    labels = (features[:, 0] > 0).long() + (features[:, 1] > 0.1).long()  # three classes of more than 60: none lends less than it has
    z = torch.nn.functional.normalize(features, dim=1).numpy()
    right = 0
    for i in range(len(z)):
        others = np.delete(np.arange(len(z)), i)
        judge_of_one = KNeighborsClassifier(NEIGHBORS, weights=lambda d: np.exp((1 - d**2 / 2 - 1) / TEMPERATURE))
        right += judge_of_one.fit(z[others], labels[others].numpy()).predict(z[i : i + 1])[0] == labels[i].item()
    assert knn_accuracy(features, {"x": labels})["x"] == pytest.approx(right / len(z), abs=1e-6)


def test_bin_use_in_closed_form():
    two = bin_use(torch.tensor([[1.0, 0, 0, 0], [0, 1.0, 0, 0]]), "x")
    assert float(two["x/perplexity"]) == pytest.approx(2) and float(two["x/entropy"]) == pytest.approx(0, abs=1e-6)
    uniform = bin_use(torch.full((3, 4), 0.25), "x")
    assert float(uniform["x/perplexity"]) == pytest.approx(4) and float(uniform["x/entropy"]) == pytest.approx(math.log(4))


def test_histograms_of_similarity_in_closed_form():
    views = torch.eye(4)
    found = similarity_histograms(views, views)
    assert float(found["positive"][-1]) == 1 and float(found["negative"][BINS // 2]) == 1
    opposite = similarity_histograms(views, -views)
    assert float(opposite["positive"][0]) == 1
    assert all(float(each.sum()) == pytest.approx(1) for each in [*found.values(), *opposite.values()])


def test_view_agreement_is_one_for_equal_views_and_zero_for_strangers_and_for_a_point():
    x = sphere(400, 16)
    assert view_agreement(x, 2 * x) == pytest.approx(1, abs=1e-6)
    assert view_agreement(x, sphere(400, 16, seed=1)) == pytest.approx(0, abs=0.05)
    assert view_agreement(torch.ones(9, 4), torch.ones(9, 4)) == 0


def test_view_agreement_agrees_with_float64_loops():
    a, b = (torch.nn.functional.normalize(sphere(10, 5, seed=seed).double(), dim=1) for seed in (0, 1))
    within = np.mean([float((a[i] - b[i]).square().sum()) for i in range(10)])
    between = np.mean([float((a[i] - b[j]).square().sum()) for i in range(10) for j in range(10) if i != j])
    assert view_agreement(a, b) == pytest.approx(1 - within / between, abs=1e-5)


def test_a_factor_explains_all_of_its_own_columns_and_nothing_of_others():
    labels = torch.arange(600) % 4
    columns = torch.eye(4)[labels]
    assert explained(columns, labels) == pytest.approx(1, abs=1e-5)
    assert explained(columns, labels // 4 % 2 * 0) == 0
    assert explained(torch.cat([columns, columns.roll(1, 1)], 1), labels.roll(2)) == pytest.approx(1, abs=1e-5)
    assert explained(sphere(600, 8), labels) == pytest.approx(3 / 599, abs=0.01)  # chance
    assert explained(torch.ones(600, 8), labels) == 0 and explained(columns, -torch.ones(600, dtype=torch.long)) == 0


def test_explained_agrees_with_scikit_learn():
    features, causes = sphere(80, 6), sphere(80, 3, seed=1)
    features[:, :3] += causes
    predicted = LinearRegression().fit(causes, features).predict(causes)
    assert explained_by(features, causes) == pytest.approx(r2_score(features, predicted, multioutput="variance_weighted"), abs=1e-5)
    assert explained_by(features, torch.cat([causes, causes], 1)) == pytest.approx(float(explained_by(features, causes)), abs=1e-5)


def test_what_few_images_explain_by_chance_is_not_told():
    """Noise on eight images is explained whole by as many directions; from ten images a direction on a tenth of it is, by chance."""
    few, many = sphere(8, 9, seed=1), sphere(400, 9, seed=1)
    assert explained_by(sphere(8, 512), few) == pytest.approx(1, abs=1e-5)
    assert too_few_to_explain(few, "watched images") == "needs at least 90 watched images, 10 for each of 9 directions; there are 8"
    assert too_few_to_explain(many[:89]) != "" and too_few_to_explain(many[:90]) == ""
    by_chance = [float(explained_by(sphere(90, 1, seed=seed), many[:90])) for seed in range(2, 102)]
    assert np.mean(by_chance) == pytest.approx(9 / 89, abs=0.02) and max(by_chance) < 0.3
    gray = average_colors(torch.arange(0, 240, 10, dtype=torch.uint8)[:, None, None, None].expand(24, 3, 4, 4))  # mean and its square vary
    assert too_few_to_explain(gray) == ""
    assert too_few_to_explain(gray[:19]) == "needs at least 20 images, 10 for each of 2 directions; there are 19"


def test_the_average_color_is_a_cause_of_every_image():
    pixels = torch.zeros(2, 3, 4, 4, dtype=torch.uint8)
    pixels[1, 0] = 255
    assert average_colors(pixels).tolist() == [[0] * 9, [1, 0, 0, 1, 0, 0, 0, 0, 0]]
    assert list(causes_of(pixels, {"known": torch.tensor([0, 1]), "partly": torch.tensor([0, -1])})) == ["known", COLOR]
