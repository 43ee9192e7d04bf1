"""What is said of few images: a number only where it means something, beside what a guess without looking gets."""

import pytest
import torch
from sklearn.metrics import balanced_accuracy_score
from sklearn.neighbors import KNeighborsClassifier

from playground.diagnostics.labels import LEAST, balanced, chance, evaluable, sizes, too_few, uneven
from playground.diagnostics.probes import NEIGHBORS, absent, knn_accuracy, knn_balanced, linear_accuracy, voters
from playground.randomness import seeded_generator

MEASURES = (knn_accuracy, linear_accuracy, knn_balanced)


def classes(*counts):
    """Labels of classes of so many images."""
    return torch.cat([torch.full((count,), label) for label, count in enumerate(counts)])


def groups(labels, spread=0.1, size=16):
    """A tight group for each class."""
    generator = torch.Generator().manual_seed(0)
    centers = torch.randn(int(labels.max()) + 1, size, generator=generator)
    return centers[labels] + spread * torch.randn(len(labels), size, generator=generator)


def noise(count, seed, size=16):
    return torch.randn(count, size, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(
    ("counts", "why"),
    [
        ([1] * 30, "there are none"),
        ([20, 1], "there are 20 in 1"),
        ([4, 4], "there are 8 in 2"),
        ([5, 5], "there are 10 in 2"),
        ([200], "there are 200 in 1"),
        ([18, 1, 1, 1], "there are 18 in 1"),
        ([], "there are none"),
    ],
)
def test_what_cannot_be_told_is_a_sentence_and_no_number(counts, why):
    """30 classes of one picture, 20 beside 1, and 8 or 10 pictures in all: no accuracy, no claim, however clear the features are."""
    labels = classes(*counts) if counts else torch.full((9,), -1)
    features = groups(labels.clamp(min=0))
    assert too_few(labels, "watched images") == f"needs at least 20 watched images in two classes or more, two of each class; {why}"
    for measure in MEASURES:
        assert measure(features, {"class": labels, "shape": torch.arange(len(labels)) % 1}) == {}


def test_from_twenty_images_on_there_is_a_number():
    labels = classes(10, 10)
    assert too_few(labels) == "" and too_few(labels[1:]) != "" and LEAST == 20
    assert knn_accuracy(groups(labels), {"x": labels})["x"] == linear_accuracy(groups(labels), {"x": labels})["x"] == 1


def test_a_picture_alone_in_its_class_is_not_asked_about_and_counts_in_no_chance():
    labels = torch.cat([classes(12, 12), torch.arange(2, 32)])
    assert evaluable(labels).sum() == 24 and sizes(labels).tolist() == [12, 12] and chance(labels) == 0.5
    for measure in (knn_accuracy, linear_accuracy):
        assert measure(groups(labels), {"x": labels})["x"] == 1


@pytest.mark.slow
@pytest.mark.parametrize("counts", [(10, 10), (20, 20), (7, 7, 7), (2,) * 12], ids=str)
def test_noise_is_known_as_often_as_by_chance(counts):
    """Itself left out alone, an image's class is one short: two classes of 10 then score 0.41 on noise of 1,024 dimensions, for 0.50."""
    labels = classes(*counts)
    scores = torch.tensor([float(knn_accuracy(noise(len(labels), seed, 1024), {"x": labels})["x"]) for seed in range(100)])
    error = scores.std() / 100**0.5
    assert abs(scores.mean() - chance(labels)) < 2 * error and error < 0.016
    assert voters(labels) < counts[0] and knn_accuracy(groups(labels), {"x": labels})["x"] == 1


def test_as_many_of_every_class_are_asked_as_of_the_own():
    """Each image misses itself and one of every other class, and all take their turns; unlabeled images are asked by all."""
    labels = torch.cat([classes(10, 10, 5), torch.tensor([-1, -1])])[torch.randperm(27, generator=torch.Generator().manual_seed(0))]
    gone = absent(labels)
    for i in range(27):
        assert sorted(labels[gone[i]].tolist()) == ([0, 1, 2] if labels[i] >= 0 else []) and (labels[i] < 0 or gone[i, i])
    assert gone[labels == 0][:, labels == 1].sum(0).tolist() == [1] * 10 and gone[labels == 0][:, labels == 2].sum(0).tolist() == [2] * 5
    assert absent(classes(60, 60)) is absent(classes(990, 10)) is None


@pytest.mark.slow
def test_of_many_images_twenty_vote_as_ever():
    assert voters(classes(*[128] * 8)) == voters(classes(*[10] * 100, 24)) == NEIGHBORS
    assert voters(classes(100, 3)) == 2 and voters(classes(990, 10)) == 20
    labels, features = classes(60, 60, 60), noise(180, 1)
    labels = labels[torch.randperm(180, generator=torch.Generator().manual_seed(2))]
    z = torch.nn.functional.normalize(features, dim=1).numpy()
    right = 0
    for i in range(180):
        rest = [j for j in range(180) if j != i]
        model = KNeighborsClassifier(NEIGHBORS, metric="cosine", algorithm="brute", weights=lambda d: torch.tensor(-d / 0.07).exp().numpy())
        right += int(model.fit(z[rest], labels[rest].numpy()).predict(z[i : i + 1])[0]) == int(labels[i])
    assert float(knn_accuracy(features, {"x": labels})["x"]) == pytest.approx(right / 180, abs=1e-6)


def test_two_hundred_beside_six_stand_beside_their_chance_and_the_mean_over_classes():
    labels = classes(200, 6)
    scores = {measure: float(measure(noise(206, 3), {"x": labels})["x"]) for measure in (knn_accuracy, knn_balanced)}
    assert uneven(labels) and chance(labels) == pytest.approx(200 / 206)
    assert scores[knn_accuracy] == pytest.approx(chance(labels), abs=0.02) and scores[knn_balanced] == pytest.approx(0.5, abs=0.02)


def test_balanced_accuracy_is_scikit_learns():
    labels = torch.randint(4, (300,), generator=torch.Generator().manual_seed(0))
    said = torch.where(torch.arange(300) % 3 == 0, labels, 0)
    assert float(balanced(said == labels, labels)) == pytest.approx(balanced_accuracy_score(labels.numpy(), said.numpy()), abs=1e-6)


def test_even_classes_are_not_taken_for_uneven_ones_by_luck():
    draws = [torch.randint(count, (1024,), generator=torch.Generator().manual_seed(seed)) for count in (2, 10, 100) for seed in range(20)]
    assert not any(uneven(each) for each in draws)
    assert uneven(classes(200, 92, 92, 92, 92, 92, 92, 92, 92, 92)) and uneven(classes(36, 5)) and not uneven(classes(25, 16))


def test_a_linear_probe_of_few_asks_about_every_image_once_and_of_each_class_its_share():
    """By itself: four quarters in turn, each class dealt out to them; noise is then right as often as chance, not by construction."""
    labels = classes(12, 8)
    scores = [linear_accuracy(noise(20, seed, 4), {"x": labels})["x"] for seed in range(40)]
    assert {round(20 * each, 6) % 1 for each in scores} == {0.0} and any(
        round(20 * each) % 4 for each in scores
    )  # twenty are asked, not five
    assert 0.35 < sum(scores) / 40 < 0.65
    many = classes(100, 100)
    features = noise(200, 5, 8)
    order = torch.randperm(200, generator=seeded_generator(0, "split", 0))
    assert round(50 * linear_accuracy(features, {"x": many})["x"], 6) % 1 == 0 and len(order[:50]) == 50
