"""What the Augmentations page shows: the training's own views, their boxes and overlaps, presets, and what can still be read off."""

import pytest
import torch

from playground.analysis import augmentation_probes, views
from playground.analysis.presets import OWN, PRESETS, matching, pipeline, settings
from playground.config import RunConfig
from playground.datasets import Images, load_images
from playground.diagnostics.probes import knn_accuracy
from playground.methods import CATALOG as METHODS
from playground.training.trainer import untrained
from playground.views.augment import OPERATORS, Augment, augment, draw
from playground.views.operators import crop_and_flip

STRONG = {"augment.jitter_probability": 1, "augment.blur_probability": 0.5, "augment.solarize_probability": 0.5}
PLAIN = {key: value for key, value in PRESETS[0].values.items() if key.startswith("augment.")}


@pytest.fixture(scope="module")
def shapes():
    return load_images(RunConfig().data, None)


def close(ours, theirs, within=1e-5):
    torch.testing.assert_close(ours, theirs, rtol=0, atol=within)


def test_the_first_views_are_the_same_for_every_count_and_follow_from_seed_and_draw(shapes):
    config, image = RunConfig(**STRONG), shapes[0].pixels[3]
    many, few = views.views(config, image, 0, 32), views.views(config, image, 0, 5)
    assert many.pictures.shape == (32, 3, 32, 32) and torch.equal(many.pictures[:5], few.pictures)
    for other in (views.views(config, image, 1, 5), views.views(RunConfig(**STRONG, seed=1), image, 0, 5)):
        assert not torch.equal(other.pictures, few.pictures)


def test_a_box_is_where_its_view_was_cut(shapes):
    config = RunConfig(**PLAIN | {"augment.crop_scale_min": 0.1})
    found = views.views(config, shapes[0].pixels[3], 2, 16)
    cut = crop_and_flip(shapes[0].pixels[3].expand(16, -1, -1, -1), found.chance.boxes, found.chance.flips)
    close(found.pictures, cut)
    facts = views.facts(found, shapes[0].pixels[3])
    assert [each["crop"] for each in facts] == found.chance.boxes.tolist()
    for each in facts:
        top, left, height, width = each["crop"]
        assert top >= 0 and top + height <= 32.001 and left >= 0 and left + width <= 32.001
        assert each["share"] == pytest.approx(height * width / 32**2) and each["did"] == ["crop"]


def test_the_last_step_is_the_view_and_the_first_is_the_image(shapes):
    config, image = RunConfig(**STRONG), shapes[0].pixels[9]
    together, alone = views.steps(config, image, 4, 7)
    assert len(together) == len(alone) == 1 + len(OPERATORS)
    close(together[-1], views.views(config, image, 4, 8).pictures[7])
    close(together[0], image / 255)
    close(together[1], alone[1])  # the crop comes first, so it is alone


@pytest.mark.slow
@pytest.mark.parametrize("channels", [[0, 1, 2], [1, 1, 1]], ids=["colored", "gray"])
def test_what_did_nothing_left_the_picture_as_it_was(shapes, channels):
    config, image = RunConfig(**STRONG), shapes[0].pixels[9][channels]
    for row in range(6):
        did = views.facts(views.views(config, image, 0, row + 1), image)[row]["did"]
        _, alone = views.steps(config, image, 0, row)
        for place, name in enumerate(OPERATORS):
            moved = (alone[place + 1] - alone[0]).abs().max() > 1e-3
            assert moved == (name in did), (row, name)


def test_unequal_views_stand_by_turns(shapes):
    config = RunConfig(**STRONG | {"augment.blur_probability": 0.5, "augment.solarize_probability": 0.0, "augment.asymmetry": 1})
    blurred = views.views(config, shapes[0].pixels[0], 0, 32).chance.sigmas > 0
    assert blurred[0::2].all() and not blurred[1::2].any()
    alone = next(name for name, each in METHODS.items() if each.views == 1)
    mixed = views.views(RunConfig(method=alone, **STRONG | {"augment.asymmetry": 1}), shapes[0].pixels[0], 0, 32)
    assert 0 < (mixed.chance.sigmas[0::2] > 0).float().mean() < 1


def test_local_views_are_those_of_the_config(shapes):
    config = RunConfig(method="dino", **{"crops.local_views": 6, "crops.local_size": 16, "crops.local_scale_max": 0.6})
    found = views.local_views(config, shapes[0].pixels[0], 0)
    assert found.pictures.shape == (6, 3, 16, 16)
    shares = [each["share"] for each in views.facts(found, shapes[0].pixels[0])]
    assert all(config.crops.local_scale_min - 1e-4 <= share <= config.crops.local_scale_max + 1e-4 for share in shares)
    assert views.local_views(RunConfig(), shapes[0].pixels[0], 0) is None


def slow_overlap(first, second, grid=400):
    """Counts points of a fine grid instead of cutting rectangles."""
    points = (torch.arange(grid) + 0.5) / grid * 32

    def inside(box):
        top, left, height, width = box.tolist()
        rows, columns = (points >= top) & (points < top + height), (points >= left) & (points < left + width)
        return rows[:, None] & columns[None, :]

    one, other = inside(first), inside(second)
    return float((one & other).sum()) * (32 / grid) ** 2, float((one & other).sum() / (one | other).sum())


def test_overlap_is_what_counting_points_gives():
    boxes = draw(Augment(crop_scale_min=0.05), 60, 32, 32, torch.Generator().manual_seed(0)).boxes
    first, second = boxes[:30], boxes[30:]
    common = views.intersection(first, second)
    union = common / (first[:, 2:].prod(1) + second[:, 2:].prod(1) - common)
    slow = [slow_overlap(*each) for each in zip(first, second, strict=True)]
    close(common, torch.tensor([each[0] for each in slow]), 5.0)
    close(union, torch.tensor([each[1] for each in slow]), 0.01)
    assert views.intersection(torch.tensor([[0.0, 0, 4, 4]]), torch.tensor([[8.0, 8, 4, 4]])) == 0


def test_whole_images_overlap_wholly_and_smaller_crops_less():
    whole = views.overlap(RunConfig(**PLAIN), 0)
    assert whole.union.min() > 0.999 and whole.both.min() == 1 and whole.inside is None
    means = [float(views.overlap(RunConfig(**{"augment.crop_scale_min": scale}), 0).union.mean()) for scale in (0.8, 0.4, 0.05)]
    assert means == sorted(means, reverse=True)
    small = views.overlap(RunConfig(**{"augment.crop_scale_min": 0.1}), 0)
    assert small.both[12, 12] > small.both[0, 0]
    assert float(small.both.mean()) == pytest.approx(float(small.shared.mean()), abs=0.01)
    assert sum(views.histogram(small.union)) == pytest.approx(1)


def test_local_crops_lie_in_global_ones_as_far_as_they_say():
    config = RunConfig(method="dino", **PLAIN)
    assert views.overlap(config, 0).inside.min() > 0.999
    assert views.overlap(RunConfig(method="dino", **{"augment.crop_scale_min": 0.2}), 0).inside.mean() < 0.95


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
@pytest.mark.parametrize("data", ["shapes", "cifar10"])
def test_a_preset_is_a_config_that_is_known_again(preset, data):
    for method in ("simclr", "dino", "mae"):
        flat = RunConfig(data=data, method=method).flat()
        given = settings(preset, flat, 32, flat.get("network.patch_size", 1))
        config = RunConfig(**{"data": data, **given})
        if preset.method:
            assert config.method.choice.multi_crop and config.crops.local_views == 8
        found = matching(config.flat(), 32, config.flat().get("network.patch_size", 1))
        assert found is preset or settings(found, flat, 32).items() <= {**flat, **given}.items()
    assert preset is OWN or all(key in RunConfig(method="dino").flat() for key in preset.values)


def test_presets_are_compared_on_the_same_images_by_the_same_chance(shapes):
    sides = {each.preset.name: each for each in views.presets(RunConfig(), shapes[0].pixels[:3], 0)}
    assert set(sides) == {"now", *(each.name for each in PRESETS)}
    close(sides["none"].pair, (shapes[0].pixels[:3] / 255)[:, None].expand(-1, 2, -1, -1, -1))
    assert torch.equal(sides["now"].pair, sides["own"].pair)
    assert sides["dino"].local.shape == (3, 8, 3, 16, 16) and sides["simclr"].local is None
    augment_, crops = pipeline(next(each for each in PRESETS if each.name == "byol"), RunConfig())
    assert augment_.asymmetry == 1 and crops is None


def reading(config, shapes, factor):
    return next(each for each in augmentation_probes.probe_accuracies(config, *shapes) if each.factor == factor)


@pytest.mark.slow
def test_without_augmentation_pixels_tell_color_and_in_gray_they_do_not(shapes):
    still = reading(RunConfig(**PLAIN, network="resnet-tiny"), shapes, "color")
    gray = reading(RunConfig(**PLAIN | {"augment.grayscale_probability": 1}, network="resnet-tiny"), shapes, "color")
    for who in ("pixels", "untrained"):
        for probe, values in still.values[who].items():
            assert abs(values["views"] - values["originals"]) < 0.02 and values["views"] > 0.5, (who, probe)
            assert gray.values[who][probe]["views"] < values["views"] - 0.25
            # the untrained network is another one with other views: its batch norm begins with their statistics
            near = 0.0 if who == "pixels" else 0.06
            assert gray.values[who][probe]["originals"] == pytest.approx(values["originals"], abs=near)
    assert gray.values["pixels"]["knn"]["views"] < 0.45 and still.classes == 8 and 0.125 < still.chance < 0.16


@pytest.mark.slow
def test_originals_read_by_neighbors_are_the_baseline_of_training(shapes):
    still = reading(RunConfig(network="resnet-tiny"), shapes, "shape")
    expected = knn_accuracy(shapes[1].pixels.flatten(1).float() - 127.5, shapes[1].factors)["shape"]
    assert still.values["pixels"]["knn"]["originals"] == pytest.approx(float(expected), abs=0.003)


def test_a_linear_probe_reads_what_is_linear_and_nothing_else():
    generator = torch.Generator().manual_seed(0)
    labels, noise = torch.randint(3, (400,), generator=generator), torch.randint(3, (400,), generator=generator)
    features = torch.nn.functional.one_hot(labels, 3).float() + 0.1 * torch.randn(400, 3, generator=generator)
    found = augmentation_probes.linear_accuracy(features, {"seen": labels, "unseen": noise})
    assert found["seen"] > 0.98 and found["unseen"] < 0.5


@pytest.mark.slow
def test_images_without_labels_have_nothing_to_read(shapes):
    bare = Images(shapes[1].pixels[:80], {}, {})
    assert augmentation_probes.probe_accuracies(RunConfig(network="resnet-tiny"), shapes[0], bare) == []
    assert augmentation_probes.probe_accuracies(RunConfig(network="resnet-tiny"), shapes[0], shapes[1][:19]) == []  # too few to read
    few = augmentation_probes.probe_accuracies(RunConfig(network="resnet-tiny"), shapes[0], shapes[1][:30])
    assert few and all(
        0 <= share <= 1 for each in few for who in each.values.values() for probe in who.values() for share in probe.values()
    )


@pytest.mark.slow
def test_a_profile_starts_at_one_and_falls_and_knows_what_is_ignored(shapes):
    config = RunConfig(network="resnet-tiny")
    network = untrained(config, shapes[0])
    found = augmentation_probes.invariance(network, shapes[1][:64])
    assert set(found) == set(OPERATORS)
    for name, curve in found.items():
        assert len(curve) == len(augmentation_probes.STRENGTH_SWEEPS[name].strengths) and curve[0] == pytest.approx(1, abs=1e-3), name
        assert curve[-1] < 0.99, name
    network.embed = lambda images: images.mean(1).flatten(1)  # blind to where the color lies, but not to blur
    gray = augmentation_probes.invariance(network, shapes[1][:64])
    assert gray["grayscale"][-1] > 0.9 > gray["solarize"][-1]
    network.embed = lambda images: (images + images.flip(3)).flatten(1)
    assert augmentation_probes.invariance(network, shapes[1][:64])["flip"][-1] == pytest.approx(1, abs=1e-4)


def test_doses_are_as_strong_as_they_say(shapes):
    still = views.neutral(200, 32, 32)
    generator = torch.Generator().manual_seed(0)
    boxes = augmentation_probes.STRENGTH_SWEEPS["crop"].draw(0.4, still, generator).boxes
    close(boxes[:, 2:].prod(1) / 32**2, torch.full((200,), 0.4), 1e-4)
    hue = augmentation_probes.STRENGTH_SWEEPS["hue"].draw(0.3, still, generator).hue
    close(hue.abs(), torch.full((200,), 0.3))
    assert 60 < int((hue > 0).sum()) < 140
    assert augmentation_probes.STRENGTH_SWEEPS["flip"].draw(1.0, still, generator).flips.all()


@pytest.mark.slow
def test_measuring_touches_nobody_elses_random_numbers(shapes):
    before = torch.get_rng_state()
    views.presets(RunConfig(), shapes[0].pixels[:1], 0)
    augmentation_probes.probe_accuracies(RunConfig(network="resnet-tiny"), shapes[0], shapes[1][:80])
    assert torch.equal(torch.get_rng_state(), before)


def test_every_pipeline_shown_is_one_that_training_draws(shapes):
    """The same numbers in, the same views out: nothing on the page is drawn by code of its own."""
    config = RunConfig(**STRONG)
    source = views.seeded_generator(config.seed, views.GLOBAL, 0)
    stacked = augment(shapes[0].pixels[5].expand(views.MOST, -1, -1, -1), config.augment, source, views=2)
    first, second = stacked.chunk(2)
    found = views.views(config, shapes[0].pixels[5], 0, 8).pictures
    close(found[0::2], first[:4])
    close(found[1::2], second[:4])
