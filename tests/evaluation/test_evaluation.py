"""What is measured, against closed forms and independent references; and that no test image is ever learned from."""

import json

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import confusion_matrix
from sklearn.neighbors import KNeighborsClassifier

from playground import RunConfig
from playground.analysis.augmentation_probes import embedded, frozen_encoder
from playground.datasets import DataError, Images, load_images
from playground.evaluation import Protocol, evaluate, ledger
from playground.evaluation.contest import _Contest, most_confused
from playground.evaluation.corruptions import CORRUPTIONS
from playground.evaluation.events import About, Confused, Doing, Remark, Score
from playground.evaluation.intervals import bar, wilson
from playground.evaluation.probes import STRENGTHS, chosen_strength, confusion, knn_predict, linear_probe
from playground.evaluation.subsets import NoLabels, held_out, pool, subset, task_of, too_few
from playground.evaluation.tuning import recipe, tune
from playground.machine.devices import pick
from playground.training.faults import NotFiniteError
from playground.training.trainer import untrained

CONFIG = RunConfig(network="resnet-tiny", device="cpu")
TESTED = 400  # images
SMALL = {"shares": (1.0,), "seeds": 1, "steps": 3, "labels": 100}


@pytest.fixture(scope="module")
def shapes():
    train, probe = load_images(CONFIG.data, None)
    return train[:1000], probe[:TESTED]


@pytest.fixture(scope="module")
def method(shapes):
    return untrained(CONFIG, shapes[0])


@pytest.fixture(scope="module")
def features(shapes, method):
    """Real ones, of 600 images to learn from and 400 others, with their shapes."""
    train, probe = shapes[0][:600], shapes[1]
    found = [embedded(frozen_encoder(method), each.pixels.float() / 255) for each in (train, probe)]
    return [each.clone() for each in found], [train.factors["shape"], probe.factors["shape"]]


def images(count, seed, labels=None, factor="class"):
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(2, (count,), generator=generator) if labels is None else labels
    pixels = torch.randint(256, (count, 3, 8, 8), generator=generator, dtype=torch.uint8)
    return Images(pixels, {factor: labels}, {factor: ["no", "yes"]})


def scores(events):
    return [each for each in events if isinstance(each, Score)]


@pytest.mark.slow
def test_the_linear_probe_is_where_the_gradient_of_its_own_objective_vanishes(features):
    (x, _), (y, _) = features
    probe = linear_probe(x, y, 0)
    z = ((x - x.mean(0)) / x.std(0, correction=0)).double()
    weight, bias = (
        torch.from_numpy(np.asarray(each, dtype=np.float64)).requires_grad_() for each in (probe.model.coef_, probe.model.intercept_)
    )
    loss = torch.nn.functional.cross_entropy(z @ weight.T + bias, y) + probe.strength / 2 * (weight**2).sum()
    loss.backward()
    assert max(float(weight.grad.abs().max()), float(bias.grad.abs().max())) < 2e-3
    assert loss.item() < np.log(8) - 0.05


@pytest.mark.slow
def test_the_strength_is_the_one_that_a_search_without_warm_starts_finds(features):
    (x, others), (y, truth) = features
    scaled = [((each - x.mean(0)) / x.std(0, correction=0)).numpy() for each in (x, others)]
    right = {}
    for strength in STRENGTHS[:7]:
        model = LogisticRegression(C=1 / (strength * len(x)), max_iter=500).fit(scaled[0], y.numpy())
        right[strength] = model.score(scaled[1], truth.numpy())
    chosen = chosen_strength(x, y, others, truth)
    assert right[chosen] >= max(right.values()) - 0.005
    assert len({round(each, 3) for each in right.values()}) > 3  # there was something to choose


def test_the_penalty_is_chosen_without_the_images_it_is_fitted_on():
    """Noise with one telling feature: what is fitted without a penalty is worse on other images, and is not chosen."""
    generator = torch.Generator().manual_seed(0)
    y = torch.arange(60) % 2
    x = torch.randn(60, 200, generator=generator)
    x[:, 0] += 3 * y
    assert linear_probe(x, y).strength > 1e-3


def test_neighbors_vote_as_scikit_learn_counts(features):
    (x, others), (y, _) = features
    reference = KNeighborsClassifier(20, metric="cosine", algorithm="brute", weights=lambda distance: np.exp(-distance / 0.07))
    assert np.array_equal(knn_predict(x, y, others), reference.fit(x.numpy(), y.numpy()).predict(others.numpy()))


def test_fewer_labels_than_neighbors_all_vote():
    x = torch.eye(3)
    assert knn_predict(x, torch.tensor([2, 0, 1]), x).tolist() == [2, 0, 1]


def test_confusion_is_scikit_learns_with_a_row_a_true_class():
    truth, said = torch.tensor([0, 0, 1, 2, 2, 2]), torch.tensor([0, 1, 1, 0, 2, 0])
    found = confusion(truth, said, 4)
    assert np.array_equal(found, confusion_matrix(truth, said, labels=range(4)))
    assert most_confused((10 * found).tolist(), ["a", "b", "c", "d"]) == [("c", "a", 2 / 3), ("a", "b", 0.5)]
    assert most_confused((9 * found).tolist(), ["a", "b", "c", "d"]) == [("c", "a", 2 / 3)]  # a has 18 images, c has 27
    assert most_confused(found.tolist(), ["a", "b", "c", "d"]) == []


def test_subsets_are_exact_shares_of_each_class_and_the_fewer_lie_in_the_more():
    labels = torch.tensor([0] * 100 + [1] * 54 + [2] * 3)[torch.randperm(157, generator=torch.Generator().manual_seed(1))]
    found = {share: subset(labels, share, 7) for share in (0.01, 0.1, 1.0)}
    assert {share: labels[rows].bincount().tolist() for share, rows in found.items()} == {
        0.01: [1, 1, 1],
        0.1: [10, 5, 1],
        1.0: [100, 54, 3],
    }
    for seed in range(7):
        few, some, more = ({*subset(labels, share, seed).tolist()} for share in (0.01, 0.1, 0.4))
        assert few < some < more
    assert torch.equal(found[0.1], subset(labels, 0.1, 7)) and not torch.equal(found[0.1], subset(labels, 0.1, 8))
    assert len(pool(labels, 50, 0)) == 50 and not torch.equal(pool(labels, 50, 0), pool(labels, 50, 1))
    assert labels[pool(labels, 1000, 0)].bincount().tolist() == [80, 43, 2]  # four fifths of each class
    assert not torch.equal(pool(labels, 1000, 0), pool(labels, 1000, 1))


def test_held_out_labels_never_take_the_last_of_a_class():
    labels = torch.tensor([0] * 10 + [1] * 2 + [2])
    chosen = held_out(labels, 0)
    assert labels[chosen].bincount(minlength=3).tolist() == [2, 1, 0]


def test_a_share_with_less_than_an_image_a_class_is_left_out_with_a_sentence(shapes, method):
    assert too_few(torch.arange(8).repeat(100), 0.01) == ""
    assert "must be at least one for each of 8 classes, got 0.96" in too_few(torch.arange(8).repeat(12), 0.01)
    found = list(evaluate(CONFIG, method, shapes, Protocol(parts=("knn_classifier",), shares=(0.01, 1.0), seeds=2, labels=100)))
    assert [each.share for each in scores(found)] == [1.0, 1.0]
    assert len([each for each in found if isinstance(each, Remark)]) == 1


@pytest.mark.slow
@pytest.mark.parametrize("leaks", [False, True])
def test_no_test_image_is_ever_learned(leaks):
    """Noise with random labels: whoever has not seen a test image guesses. The same with its images among the labeled ones: they know."""
    test = images(300, 1)
    train = test if leaks else images(300, 2)
    parts = ("linear", "knn_classifier", "tuned", "pixels")
    found = scores(
        evaluate(CONFIG, untrained(CONFIG, train), (train, test), Protocol(parts=parts, shares=(1.0,), seeds=1, labels=1000, steps=20))
    )
    accuracies = {each.who: each.accuracy for each in found}
    assert set(accuracies) == set(parts)
    assert all(0.38 < each < 0.62 for each in accuracies.values()) is not leaks
    assert (accuracies["knn_classifier"] > 0.8) is leaks  # four fifths of them are drawn


@pytest.mark.slow
def test_fine_tuning_and_from_scratch_are_one_procedure(shapes, method):
    """Begun from the same weights they give the same numbers, whatever they are."""
    own = shapes[0], shapes[1][:60]  # of one seed: others begin from other weights
    found = scores(evaluate(CONFIG, method, own, Protocol(parts=("tuned", "scratch", "robustness"), **SMALL)))
    halves = [
        [(each.operator, each.strength, each.accuracy, each.chosen) for each in found if each.who == who] for who in ("tuned", "scratch")
    ]
    assert halves[0] == halves[1] and len(halves[0]) == 1 + sum(len(each.strengths) for each in CORRUPTIONS.values())


@pytest.mark.slow
@pytest.mark.parametrize("name", ["simclr", "dino", "ijepa", "mae", "autoregressive"])
def test_fine_tuning_moves_what_embeds_and_leaves_the_run_alone(name, shapes):
    config = (
        RunConfig(method=name, network="vit-tiny" if name in ("ijepa", "mae") else "resnet-tiny", device="cpu")
        if name != "autoregressive"
        else RunConfig(method=name, device="cpu")
    )
    method = untrained(config, shapes[0]).eval()
    before = {key: each.clone() for key, each in method.state_dict().items()}
    some = shapes[0].pixels[:4].float() / 255
    first = method.embed(some)
    steps = tune(
        method,
        shapes[0].pixels[:16],
        shapes[0].factors["shape"][:16],
        8,
        1.0,
        0,
        recipe(config, 3, pick("cpu", config.network.choice.family)),
    )
    with pytest.raises(StopIteration) as end:
        while True:
            next(steps)
    tuned = end.value.value
    assert all(torch.equal(each, before[key]) for key, each in method.state_dict().items())
    assert not torch.allclose(tuned.method.embed(some), first, atol=1e-4)


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_corruptions_begin_with_the_image_itself_and_rise(name, shapes):
    clean = shapes[1].pixels[:64].float() / 255
    moved = [CORRUPTIONS[name](clean, strength, 3) for strength in CORRUPTIONS[name].strengths]
    assert moved[0] is clean and CORRUPTIONS[name].strengths[0] == 0
    far = [float((each - clean).abs().mean()) for each in moved]
    assert far == sorted(far) and far[1] > 0
    assert all(each.shape == clean.shape and float(each.min()) >= 0 and float(each.max()) <= 1 for each in moved)
    assert torch.equal(moved[-1], CORRUPTIONS[name](clean, CORRUPTIONS[name].strengths[-1], 3))


def test_a_shift_moves_by_its_share_of_the_side_one_way():
    dot = torch.zeros(40, 3, 16, 16)
    dot[:, :, 8, 8] = 1
    places = CORRUPTIONS["shift"](dot, 0.25, 0)[:, 0].flatten(1).argmax(1)
    assert {*places.tolist()} == {4 * 16 + 8, 12 * 16 + 8, 8 * 16 + 4, 8 * 16 + 12}


@pytest.mark.slow
def test_a_whole_evaluation_says_what_it_is_of_and_never_goes_back(shapes, method):
    other = images(60, 5), images(40, 6)
    parts = ("linear", "knn_classifier", "untrained", "robustness", "transfer")
    events = list(
        evaluate(
            CONFIG, method, shapes, Protocol(parts=parts, transfer="cifar10", factor="color", shares=(0.2, 1.0), seeds=2, labels=80), other
        )
    )
    [about] = [each for each in events if isinstance(each, About)]
    assert (about.factor, about.tested, about.known) == ("color", TESTED, 1000) and 75 < about.labeled < 85 and about.chance < 0.2
    done = [each.done for each in events if isinstance(each, Doing)]
    assert done == sorted(done) and done[-1] == 1
    found = scores(events)
    assert {(each.part, each.who) for each in found} == {
        *(("labels", who) for who in ("linear", "knn_classifier", "untrained")), *(("robustness", who) for who in ("linear", "untrained")),
        *(("transfer", who) for who in ("linear", "untrained", "chance")),
    }  # fmt: skip
    clean = {each.seed: each.accuracy for each in found if each.part == "labels" and each.who == "linear" and each.share == 1}
    moved = {each.seed: each.accuracy for each in found if each.operator == "noise" and not each.strength and each.who == "linear"}
    assert clean == moved
    linear, fresh = ([each.accuracy for each in found if each.part == "labels" and each.who == who] for who in ("linear", "untrained"))
    assert linear == fresh  # the run here is untrained
    matrices = [each.matrix for each in events if isinstance(each, Confused)]
    assert [sum(map(sum, each)) for each in matrices] == [TESTED, TESTED]
    assert [sum(each[i][i] for i in range(8)) / TESTED for each in matrices] == pytest.approx(list(clean.values()))


def test_runs_without_labels_are_told_what_can_be_measured(method):
    bare = Images(images(40, 1).pixels, {}, {})
    with pytest.raises(NoLabels, match="shapes must have labels for an evaluation, got images without; datasets with labels: cifar10"):
        list(evaluate(CONFIG, method, (bare, bare), Protocol(parts=("knn_classifier",))))
    some = images(40, 1, torch.full((40,), -1)), images(40, 2)
    with pytest.raises(NoLabels, match="got training images without"):
        task_of("own", *some)
    events = list(
        evaluate(CONFIG, method, (bare, bare), Protocol(parts=("transfer",), transfer="mnist", **SMALL), (images(40, 3), images(40, 4)))
    )
    assert [each.part for each in scores(events)] == ["transfer"] * 2
    assert any(isinstance(each, Remark) and "must have labels" in each.sentence for each in events)
    missing = DataError("cifar10 must be in /nowhere")
    with pytest.raises(DataError):
        list(evaluate(CONFIG, method, missing, Protocol(parts=("knn_classifier",))))


def test_one_class_an_unknown_factor_and_features_that_are_not_finite_are_sentences(shapes, method):
    with pytest.raises(NoLabels, match="class of own must have two classes or more, got one: no"):
        task_of("own", *(images(20, seed, torch.zeros(20, dtype=torch.long)) for seed in (1, 2)))
    with pytest.raises(ValueError, match="factor of shapes must be one of shape, color, size"):
        task_of("shapes", *shapes, "taste")
    broken = untrained(CONFIG, shapes[0])
    next(broken.backbone.parameters()).data.fill_(float("nan"))
    with pytest.raises(NotFiniteError, match="^the network's features are no longer finite numbers$"):
        list(evaluate(CONFIG, broken, shapes, Protocol(parts=("linear",), **SMALL)))


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (
            {"parts": "linear,magic"},
            "must be among linear, knn_classifier, tuned, scratch, untrained, pixels, robustness, transfer, got magic",
        ),
        ({"parts": ""}, "got nothing"),
        ({"shares": "0.1,2"}, "shares must be numbers above 0 and up to 1, got 0.1, 2"),
        ({"shares": "many"}, "shares must be numbers above 0 and up to 1, got many"),
        ({"seeds": "0"}, "seeds must be a whole number from 1 to 10, got 0"),
        ({"steps": "-4"}, "steps must be a whole number, got -4"),
        ({"transfer": "<b>"}, "transfer must be one of cifar10"),
        ({"parts": "transfer"}, "transfer must name another dataset, got none"),
    ],
)
def test_a_protocol_that_cannot_be_has_its_sentence(given, sentence):
    with pytest.raises(ValueError) as error:
        Protocol.read(given)
    assert sentence in str(error.value)


def test_a_protocol_reads_its_own_words():
    protocol = Protocol(("linear", "transfer"), "color", (0.01, 0.5), 2, 70, 9, "mnist")
    assert Protocol.read(protocol.words()) == protocol
    assert Protocol.read({"shares": "1 %, 10%,100%"}).shares == (0.01, 0.1, 1.0)
    assert Protocol.read({"transfer": "mnist"}).parts[-1] == "transfer"


def test_the_ledger_keeps_what_came_before_the_end_whatever_ended_it(tmp_path):
    score = Score("labels", "linear", 0, 1.0, 10, 0.5)

    def events():
        yield About("shapes", "shape", ["a", "b"], 10, 20, 0.5, 12)
        yield score
        yield Score("labels", "linear", 1, 1.0, 12, 0.8)
        yield Confused(0, [[1, 2], [3, 4]])
        yield Confused(1, [[1, 0], [0, 1]])
        raise ValueError("no more")

    document = ledger.new("abcd2345", 7, Protocol())
    with pytest.raises(ValueError, match="no more"):
        list(ledger.recorded(tmp_path, document, events()))
    kept = ledger.read(tmp_path)
    assert (kept["status"], kept["message"], kept["step"], kept["confusion"]) == ("failed", "no more", 7, [[2, 2], [3, 5]])
    [row] = ledger.summary(kept["scores"])
    assert (row["labeled"], row["seeds"], row["mean"], row["lowest"], row["highest"]) == (11, 2, pytest.approx(0.65), 0.5, 0.8)
    assert ledger.as_csv(kept).splitlines()[1] == "abcd2345,7,labels,,,0.0,linear,1.0,11,2,0.65,0.5,0.8,0,0.5,0.8,"
    growing = ledger.recorded(tmp_path, ledger.new("abcd2345", 8, Protocol()), events())
    next(growing), next(growing)
    growing.close()
    assert (ledger.read(tmp_path)["status"], len(ledger.read(tmp_path)["scores"])) == ("stopped", 1)
    assert [each.name for each in tmp_path.iterdir()] == [ledger.FILE]


def test_a_ledger_of_another_version_or_half_a_file_is_none(tmp_path):
    assert ledger.read(tmp_path) is None
    (tmp_path / ledger.FILE).write_text('{"version": 1, "ru')
    assert ledger.read(tmp_path) is None
    (tmp_path / ledger.FILE).write_text(json.dumps({"version": 99}))
    assert ledger.read(tmp_path) is None
    ledger.write(tmp_path / "deleted", ledger.new("abcd2345", 1, Protocol()))
    assert not (tmp_path / "deleted").exists()


@pytest.mark.slow
def test_seeds_have_other_rows_and_from_scratch_other_weights_so_that_no_bar_is_empty(shapes, method):
    """With all labels, too: the k-NN classifier knows nothing else that could vary."""
    parts = ("knn_classifier", "scratch")
    found = scores(evaluate(CONFIG, method, shapes, Protocol(parts=parts, shares=(1.0,), seeds=2, steps=8)))
    rows = {row["who"]: row for row in ledger.summary([vars(each) for each in found])}
    for who in parts:
        assert rows[who]["lowest"] < rows[who]["highest"], who
        assert rows[who]["low"] < rows[who]["lowest"] and rows[who]["high"] > rows[who]["highest"], who
        assert (rows[who]["labeled"], rows[who]["tested"], rows[who]["seeds"]) == (801, TESTED, 2)
    contest = _Contest(CONFIG, method, shapes, Protocol())
    first, second = (torch.cat([each.flatten() for each in contest.fresh(seed).parameters()]) for seed in (0, 1))
    assert not torch.equal(first, second)
    assert torch.equal(first, torch.cat([each.flatten() for each in untrained(CONFIG, shapes[0]).parameters()]))  # the run's own start


@pytest.mark.parametrize(("right", "count"), [(0, 10), (7, 10), (10, 10), (81, 263), (4000, 8976)])
def test_wilsons_interval_is_where_the_score_test_just_rejects(right, count):
    """Its ends solve |p - share| = z sqrt(p (1 - p) / n); 81 of 263 is Newcombe's example: 0.2553 to 0.3662."""
    low, high = wilson(right / count, count)
    for end in (low, high):
        if 1e-9 < end < 1 - 1e-9:
            assert abs(end - right / count) == pytest.approx(1.959964 * (end * (1 - end) / count) ** 0.5, abs=1e-9)
    assert 0 <= low <= right / count <= high <= 1 and high - low > 0
    if (right, count) == (81, 263):
        assert (round(low, 4), round(high, 4)) == (0.2553, 0.3662)


def test_a_bar_holds_the_seeds_and_the_test_images_and_is_longer_than_either():
    low, high = wilson(0.7, 400)
    assert bar([0.7, 0.7, 0.7], 400) == pytest.approx((low, high))  # seeds agree: the test alone
    assert bar([0.6, 0.7, 0.8], 0) == pytest.approx((0.6, 0.8))  # an unknown test: seeds alone
    both = bar([0.6, 0.7, 0.8], 400)
    assert both == pytest.approx((0.7 - (0.1**2 + (0.7 - low) ** 2) ** 0.5, 0.7 + (0.1**2 + (high - 0.7) ** 2) ** 0.5))
    assert bar([1.0], 10)[1] == 1.0


def test_a_bar_holds_what_another_test_would_have_said():
    """A thousand tests of 200 images by a classifier that is right at 0.9: the true share lies in 95 % of the bars."""
    random = np.random.default_rng(0)
    bars = [bar([random.binomial(200, 0.9) / 200], 200) for _ in range(1000)]
    assert 0.93 < np.mean([low <= 0.9 <= high for low, high in bars]) < 0.97


def test_test_images_of_classes_that_were_never_taught_are_left_out_and_few_are_refused(method):
    train, test = images(60, 1, torch.arange(60) % 2), images(60, 2, torch.arange(60) % 3)
    task = task_of("own", train, test)
    assert sorted(task.test_labels.unique().tolist()) == [0, 1] and len(task.test_labels) == 40
    assert task.untaught == "20 test images are left out: no training image has their class."
    assert task.rare == ""
    few = task_of("own", train, images(60, 2, (torch.arange(60) < 19).long()))
    assert few.rare == "1 of 2 classes has fewer than 20 test images: for these, confusions are counted, and no share is given."
    with pytest.raises(
        NoLabels, match="^own must have at least 20 labeled test images of two classes or more for an evaluation, got 19 in"
    ):
        task_of("own", train, images(19, 2))
    with pytest.raises(NoLabels, match="got 24 in 1$"):  # as of a hundred pictures of one class and one each of twenty others
        task_of("own", train, images(24, 2, torch.zeros(24, dtype=torch.long)))
    alone = images(30, 1, torch.arange(30)), images(30, 2, torch.arange(30, 60))  # thirty classes of one picture in each part
    with pytest.raises(NoLabels, match="got 0 in 0: 30 test images are left out: no training image has their class$"):
        task_of("own", *alone)


def test_uneven_classes_are_said_and_the_mean_over_classes_stands_beside(shapes, method):
    train, test = images(60, 1, torch.arange(60) % 2), images(206, 2, (torch.arange(206) >= 200).long())
    events = list(evaluate(CONFIG, method, (train, test), Protocol(parts=("pixels",), shares=(1.0,), seeds=1)))
    [about] = [each for each in events if isinstance(each, About)]
    assert about.uneven and about.chance == pytest.approx(200 / 206)
    [score] = scores(events)
    assert 0 <= score.balanced <= 1 and score.balanced != score.accuracy
    assert not task_of("shapes", *shapes).uneven


def test_results_of_the_first_version_are_read_under_the_names_of_this_one(tmp_path):
    old = {"part": "labels", "who": "knn", "seed": 0, "share": 1.0, "labeled": 9, "accuracy": 0.5, "operator": "", "strength": 0.0}
    scores = [old | {"data": "", "chosen": None}, old | {"part": "transfer", "who": "linear", "data": "mnist", "chosen": 0.1}]
    about = {"data": "shapes", "factor": "shape", "names": ["a"], "labeled": 9, "tested": 1024, "chance": 0.2}
    document = ledger.new("abcd2345", 7, Protocol()) | {"version": 1, "about": about, "scores": scores, "remarks": ["one"]}
    (tmp_path / ledger.FILE).write_text(json.dumps(document))
    found = ledger.read(tmp_path)
    assert found["remarks"][0].startswith("Measured by an earlier version") and found["remarks"][1:] == ["one"]
    assert (found["about"]["known"], found["about"]["uneven"]) == (9, False)
    labels, transfer = ledger.summary(found["scores"])
    assert labels["who"] == "knn_classifier" and (labels["low"], labels["high"]) == pytest.approx(wilson(0.5, 1024))
    assert (transfer["low"], transfer["high"], transfer["balanced"]) == (0.5, 0.5, None)
    assert Protocol.read({"parts": "linear,knn"}).parts == ("linear", "knn_classifier")
    assert len(ledger.as_csv(found).splitlines()) == 3
