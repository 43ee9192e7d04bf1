import pytest
import torch

from playground.datasets import CATALOG
from playground.datasets.shapes import NAMES, draw


def test_shapes_are_the_same_every_time_and_never_touch_the_global_generator():
    torch.manual_seed(1)
    expected = torch.rand(2)
    torch.manual_seed(1)
    first, second = (draw(64, torch.Generator().manual_seed(3)) for _ in range(2))
    assert torch.equal(first.pixels, second.pixels)
    assert torch.equal(torch.rand(2), expected)


@pytest.mark.slow
def test_shapes_know_every_factor_and_the_factors_are_independent():
    images = draw(4000, torch.Generator().manual_seed(0))
    assert set(images.factors) == set(NAMES) == {"shape", "color", "size", "position", "rotation", "background"}
    for name, labels in images.factors.items():
        counts = labels.bincount(minlength=len(NAMES[name])).float() / 4000
        assert (counts - 1 / len(NAMES[name])).abs().max() < 0.03, name
    stacked = torch.stack([labels.float() for labels in images.factors.values()])
    assert (torch.corrcoef(stacked) - torch.eye(6)).abs().max() < 0.06


@pytest.mark.slow
def test_a_factor_shows_in_the_pixels():
    images = draw(2000, torch.Generator().manual_seed(0))
    pixels = images.pixels.float()
    ground = pixels[:, :, 0, 0].mean(1)
    means = [float(ground[images.factors["background"] == label].mean()) for label in range(4)]
    assert means == sorted(means) and means[0] + 20 < means[-1]
    ink = (pixels - ground[:, None, None, None]).abs().amax(1) > 60
    sizes = [float(ink[images.factors["size"] == label].float().mean()) for label in range(3)]
    assert sizes == sorted(sizes) and sizes[2] > 1.5 * sizes[0]
    redness = (pixels[:, 0] - pixels[:, 2]).amax((1, 2)) - (pixels[:, 2] - pixels[:, 0]).amax((1, 2))
    assert redness[images.factors["color"] == 0].min() > redness[images.factors["color"] == 5].max()


@pytest.mark.slow
def test_images_to_train_on_to_watch_and_to_test_on_are_different_images():
    shapes = CATALOG["shapes"]
    assert shapes.missing(shapes.Knobs(), None) == ""
    parts = [*shapes.load(shapes.Knobs(), None), shapes.test(shapes.Knobs(), None)]
    assert [len(each) for each in parts] == [shapes.count, shapes.probe_count, shapes.test_count]
    assert len({each.numpy().tobytes() for part in parts for each in part.pixels}) == sum(map(len, parts))
