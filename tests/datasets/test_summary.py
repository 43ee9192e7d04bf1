import torch

from playground.datasets import Images
from playground.datasets.summary import by_label, colors, everything, factors


def images(count, **labels):
    generator = torch.Generator().manual_seed(count)
    pixels = torch.randint(256, (count, 3, 4, 4), dtype=torch.uint8, generator=generator)
    return Images(pixels, {name: torch.tensor(each) for name, each in labels.items()}, {name: ["a", "b", "c"] for name in labels})


def test_each_label_has_its_counts_its_mean_and_examples_of_its_own():
    train, probe = images(6, kind=[0, 2, 0, 0, 2, 0]), images(3, kind=[0, 1, 1])
    first, second, third = by_label(train, probe, "kind", 3, 0)
    assert [(row.name, row.count, row.probe_count) for row in (first, second, third)] == [("a", 4, 1), ("b", 0, 2), ("c", 2, 0)]
    assert torch.equal(first.mean, train.pixels[[0, 2, 3, 5]].float().mean(0).round().to(torch.uint8))
    assert (len(first.examples), len(second.examples), len(third.examples)) == (3, 0, 2)
    own = {each.numpy().tobytes() for each in train.pixels[[0, 2, 3, 5]]}
    assert {each.numpy().tobytes() for each in first.examples} <= own


def test_another_draw_shows_other_images_and_the_same_draw_the_same():
    train, probe = images(60), images(3)
    shown = [everything(train, probe, 12, draw) for draw in (0, 0, 1)]
    assert torch.equal(shown[0].examples, shown[1].examples)
    assert not torch.equal(shown[0].examples, shown[2].examples)
    assert (shown[0].count, shown[0].probe_count) == (60, 3)


def test_labels_that_only_the_probe_set_has_are_shown_from_it():
    train, probe = images(5), images(4, kind=[1, 1, 0, 2])
    assert factors(train, probe) == ["kind"]
    assert [(row.count, row.probe_count, len(row.examples)) for row in by_label(train, probe, "kind", 9, 0)] == [
        (0, 1, 1),
        (0, 2, 2),
        (0, 1, 1),
    ]


def test_mean_and_spread_of_colors_are_those_of_all_pixels():
    train = images(3000)
    mean, spread = colors(train)
    values = train.pixels.double() / 255
    assert torch.allclose(torch.tensor(mean).double(), values.mean((0, 2, 3)), atol=1e-5)
    assert torch.allclose(torch.tensor(spread).double(), values.std((0, 2, 3), correction=0), atol=1e-5)
