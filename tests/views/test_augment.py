"""Every operation against torchvision's of that name, image by image, and what chance does to a batch."""

import pytest
import torch
from torchvision.transforms.v2 import functional as reference

from playground.analysis.presets import PRESETS
from playground.config import RunConfig
from playground.knobs import ConfigError, knobs_of
from playground.methods import CATALOG as METHODS
from playground.views.augment import OPERATORS, Augment, Crops, apply, augment, draw, neutral, possible
from playground.views.operators import blur, color_matrix, crop_and_flip, recolor, solarize, to_gray, turn_hue

NOTHING = {f"{name}_probability": 0 for name in ["flip", "jitter", "grayscale", "blur", "solarize"]} | {"crop_scale_min": 1}


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def images(count=24, height=32, width=32, low=0.0, high=1.0):
    """Noise, with a few colors of which two or three channels are equal, as hue has to treat those apart."""
    noise = torch.rand(count, 3, height, width, generator=generator())
    noise[: count // 3] = (noise[: count // 3] * 3).floor() / 2
    return low + (high - low) * noise


def factors(count=24, low=0.6, high=1.4, seed=1):
    return low + (high - low) * torch.rand(count, generator=generator(seed))


def close(ours, theirs, within=1e-5):
    torch.testing.assert_close(ours, theirs, rtol=0, atol=within)


@pytest.mark.parametrize("height, width", [(32, 32), (20, 36)])
def test_crop_and_flip_is_torchvisions_resized_crop_and_flip(height, width):
    pictures, source = images(height=height, width=width), generator(2)
    tall, wide = torch.randint(5, height + 1, (24,), generator=source), torch.randint(5, width + 1, (24,), generator=source)
    top, left = (((height, width)[side] - (tall, wide)[side]) * torch.rand(24, generator=source) for side in (0, 1))
    top, left = top.long(), left.long()
    flips = torch.arange(24) % 2 == 0
    views = crop_and_flip(pictures, torch.stack((top, left, tall, wide), 1).float(), flips)
    for view, picture, flip, *box in zip(views, pictures, flips, top, left, tall, wide, strict=True):
        expected = reference.resized_crop(picture, *map(int, box), [height, width], antialias=False)
        close(view, reference.horizontal_flip(expected) if flip else expected)


def test_bytes_and_floats_give_the_same_view():
    pixels = (images() * 255).round().to(torch.uint8)
    close(augment(pixels, Augment(), generator()), augment(pixels.double() / 255, Augment(), generator()))


@pytest.mark.parametrize("changed", ["brightness", "contrast", "saturation"])
def test_each_color_factor_is_torchvisions_where_nothing_clamps(changed):
    pictures, amounts = images(low=0.3, high=0.6), factors()
    matrix = color_matrix(
        **dict.fromkeys(["brightness", "contrast", "saturation"], torch.ones(24)) | {changed: amounts}, means=means(pictures)
    )
    for view, picture, amount in zip(recolor(pictures, matrix), pictures, amounts, strict=True):
        close(view, getattr(reference, f"adjust_{changed}")(picture, float(amount)))


def means(pictures):
    return pictures.mean((2, 3))


def three_in_a_row(picture, brightness, contrast, saturation):
    picture = reference.adjust_contrast(reference.adjust_brightness(picture, float(brightness)), float(contrast))
    return reference.adjust_saturation(picture, float(saturation))


def recolored(pictures):
    amounts = [factors(seed=seed) for seed in (3, 4, 5)]
    expected = torch.stack([three_in_a_row(*each) for each in zip(pictures, *amounts, strict=True)])
    return recolor(pictures, color_matrix(*amounts, means(pictures))), expected


def test_brightness_contrast_saturation_in_a_row_are_exact_where_nothing_clamps():
    close(*recolored(images(low=0.4, high=0.5)))


def test_clamping_once_at_the_end_stays_near_clamping_every_time():
    """Noise over the whole range is far harsher than photos; the docstring's figure is for those."""
    ours, theirs = recolored(images())
    assert 0.001 < (ours - theirs).abs().mean() < 0.02


def test_hue_is_torchvisions():
    pictures, turns = images(), torch.linspace(-0.5, 0.5, 24)
    for view, picture, turn in zip(turn_hue(pictures, turns), pictures, turns, strict=True):
        close(view, reference.adjust_hue(picture, float(turn)))


def test_a_third_of_a_turn_makes_red_green():
    red = torch.tensor([1.0, 0, 0]).view(1, 3, 1, 1)
    close(turn_hue(red, torch.tensor([1 / 3])).flatten(), torch.tensor([0.0, 1, 0]))


def test_gray_is_torchvisions_and_spares_the_others():
    pictures, chosen = images(), torch.arange(24) % 3 == 0
    for view, picture, gray in zip(to_gray(pictures, chosen), pictures, chosen, strict=True):
        close(view, reference.rgb_to_grayscale(picture, 3) if gray else picture)


@pytest.mark.parametrize("height, width, kernel", [(32, 32, [3, 3]), (96, 96, [9, 9]), (30, 64, [7, 3])])
def test_blur_is_torchvisions(height, width, kernel):
    pictures, sigmas = images(12, height, width), torch.linspace(0.1, 2, 12)
    for view, picture, sigma in zip(blur(pictures, sigmas), pictures, sigmas, strict=True):
        close(view, reference.gaussian_blur(picture, kernel, [float(sigma)] * 2))


def test_blur_with_sigma_zero_changes_nothing():
    assert torch.equal(blur(images(), torch.zeros(24)), images())


def test_solarize_is_torchvisions_and_spares_the_others():
    pictures, chosen = images(), torch.arange(24) % 2 == 0
    for view, picture, solar in zip(solarize(pictures, chosen), pictures, chosen, strict=True):
        close(view, reference.solarize(picture, 0.5) if solar else picture)


def test_same_seed_same_views():
    knobs = Augment(blur_probability=0.5, solarize_probability=0.5)
    assert torch.equal(augment(images(), knobs, generator(7)), augment(images(), knobs, generator(7)))
    assert not torch.equal(augment(images(), knobs, generator(7)), augment(images(), knobs, generator(8)))


@pytest.mark.parametrize("knob", knobs_of(Augment), ids=lambda knob: knob.key)
def test_moving_one_knob_leaves_what_the_others_decide(knob):
    decides = {
        "crop_scale_min": {"boxes"},
        "flip_probability": {"flips"},
        "jitter_probability": {"brightness", "contrast", "saturation", "hue"},
        "grayscale_probability": {"grayscale"},
        "blur_probability": {"sigmas"},
        "solarize_probability": {"solarized"},
    }
    often = {} if knob.key != "asymmetry" else {"blur_probability": 0.5, "solarize_probability": 0.5}
    decides |= {"asymmetry": {"sigmas", "solarized"}}
    low, high = (vars(draw(Augment(**often | {knob.key: end}), 200, 32, 32, generator(), views=2)) for end in (knob.low, knob.high))
    assert {name for name in low if not torch.equal(low[name], high[name])} == decides.get(knob.key, {knob.key})


@pytest.mark.parametrize("knob", knobs_of(Augment), ids=lambda knob: knob.key)
def test_moving_a_knob_leaves_the_numbers_of_the_next_batch(knob):
    sources = generator(), generator()
    for source, end in zip(sources, (knob.low, knob.high), strict=True):
        augment(images(), Augment(**{knob.key: end}), source)
    assert torch.equal(sources[0].get_state(), sources[1].get_state())


@pytest.mark.parametrize("end", ["low", "high"])
@pytest.mark.parametrize("knob", knobs_of(Augment), ids=lambda knob: knob.key)
def test_views_are_images_at_both_ends_of_every_knob(knob, end):
    strong = {"brightness": 1, "contrast": 1, "saturation": 1, "hue": 0.5, "blur_probability": 1, "solarize_probability": 0.5}
    views = augment(images(), Augment(**strong | {knob.key: getattr(knob, end)}), generator())
    assert views.dtype == torch.float32 and views.shape == (24, 3, 32, 32) and views.is_contiguous()
    assert views.min() >= 0 and views.max() <= 1


def test_with_every_probability_zero_a_view_is_the_image():
    close(augment(images(), Augment(**NOTHING), generator()), images())


def test_jitter_of_no_strength_changes_nothing():
    still = {"jitter_probability": 1, "brightness": 0, "contrast": 0, "saturation": 0, "hue": 0}
    close(augment(images(), Augment(**NOTHING | still), generator()), images())


ALWAYS = {
    "flip_probability": lambda pictures: pictures.flip(3),
    "grayscale_probability": lambda pictures: reference.rgb_to_grayscale(pictures, 3),
    "solarize_probability": lambda pictures: reference.solarize(pictures, 0.5),
}


@pytest.mark.parametrize("name", ALWAYS)
def test_probability_one_is_always(name):
    bright = images(low=0.51)  # what stands exactly on the threshold may be rounded to either side of it
    close(augment(bright, Augment(**NOTHING | {name: 1}), generator()), ALWAYS[name](bright))


def test_probability_one_jitters_and_blurs_every_image():
    chance = draw(Augment(jitter_probability=1, blur_probability=1), 5_000, 32, 32, generator())
    assert (chance.brightness != 1).all() and (chance.sigmas >= 0.1).all()
    jittered = augment(images(), Augment(**NOTHING | {"jitter_probability": 1}), generator())
    assert ((jittered - images()).abs().amax((1, 2, 3)) > 0.01).all()
    blurred = augment(images(), Augment(**NOTHING | {"blur_probability": 1}), generator())
    close(blurred, blur(images(), draw(Augment(blur_probability=1), 24, 32, 32, generator()).sigmas))
    assert not torch.allclose(blurred, images(), atol=0.1)


def test_each_operation_happens_as_often_as_its_probability_says():
    names = ["flip", "jitter", "grayscale", "blur", "solarize"]
    chance = draw(Augment(**{f"{name}_probability": 0.3 for name in names}), 20_000, 32, 32, generator())
    happened = [chance.flips, chance.brightness != 1, chance.grayscale, chance.sigmas > 0, chance.solarized]
    for name, each in zip(names, happened, strict=True):
        assert abs(each.float().mean() - 0.3) < 0.015, name  # 4.6 standard deviations
    assert abs(torch.corrcoef(torch.stack(happened).float()).fill_diagonal_(0)).max() < 0.035, "they are drawn independently"


def test_strengths_spread_evenly_around_no_change():
    chance = draw(Augment(jitter_probability=1, brightness=0.4, hue=0.1, blur_probability=1), 20_000, 32, 32, generator())
    for values, low, high in [(chance.brightness, 0.6, 1.4), (chance.hue, -0.1, 0.1), (chance.sigmas, 0.1, 2.0)]:
        assert low <= values.min() < low + 0.01 * (high - low) and high - 0.01 * (high - low) < values.max() <= high
        assert abs(values.mean() - (low + high) / 2) < 0.02 * (high - low)


@pytest.mark.parametrize("scale_min", [0.05, 0.3, 1])
def test_crops_lie_inside_and_keep_a_share_of_the_area_that_is_uniform(scale_min):
    top, left, tall, wide = draw(Augment(crop_scale_min=scale_min), 20_000, 48, 32, generator()).boxes.T
    assert min(top.min(), left.min()) >= 0 and (top + tall).max() < 48.001 and (left + wide).max() < 32.001
    share, stretch = tall * wide / (48 * 32), (wide / 32) / (tall / 48)
    assert scale_min - 1e-5 <= share.min() and share.max() < 1 + 1e-5 and abs(share.mean() - (scale_min + 1) / 2) < 0.01
    assert stretch.min() > 0.7499 and stretch.max() < 1.3334
    if scale_min < 1:
        assert stretch.std() > 0.1 and top.std() > 1 and left.std() > 1


def test_nobody_elses_random_numbers_are_touched():
    before = torch.get_rng_state()
    augment(images(), Augment(blur_probability=1, solarize_probability=1), generator())
    assert torch.equal(torch.get_rng_state(), before)


def test_nothing_waits_for_the_device():
    """On torch's meta device a tensor has no values: whatever looked at one would raise."""
    pictures, numbers, yes = (torch.empty(shape, device="meta") for shape in [(8, 3, 32, 32), 8, 8])
    views = crop_and_flip(pictures, torch.empty(8, 4, device="meta"), yes.bool())
    views = turn_hue(recolor(views, color_matrix(numbers, numbers, numbers, means(views))), numbers)
    assert apply(pictures, neutral(8, 32, 32, "meta"), ["crop", "hue"]).shape == (8, 3, 32, 32)
    assert solarize(blur(to_gray(views, yes.bool()), numbers), yes.bool()).shape == (8, 3, 32, 32)


ALL = {"jitter_probability": 1, "grayscale_probability": 0.5, "blur_probability": 0.5, "solarize_probability": 0.5}


def test_a_view_is_what_was_drawn_done_in_order():
    """The last of the cumulative steps is the view itself, to the last bit; so it is when some operators never happen."""
    for knobs in (Augment(**ALL), Augment(), Augment(**NOTHING)):
        chance = draw(knobs, 24, 32, 32, generator(3))
        steps = [apply(images(), chance, OPERATORS[:count]) for count in range(len(OPERATORS) + 1)]
        close(steps[0], images())
        view = augment(images(), knobs, generator(3))
        assert torch.equal(apply(images(), chance, possible(knobs)), view)
        assert torch.equal(steps[-1], view) or set(possible(knobs)) < set(OPERATORS)
        close(steps[-1], view)


@pytest.mark.parametrize("operator", OPERATORS)
def test_one_operator_alone_does_what_its_function_does(operator):
    chance, pictures = draw(Augment(**ALL), 24, 32, 32, generator(3)), images()
    ones, whole = torch.ones(24), neutral(24, 32, 32)
    colors = {name: torch.ones(24) for name in ("brightness", "contrast", "saturation")}
    expected = {
        "crop": lambda: crop_and_flip(pictures, chance.boxes, whole.flips),
        "flip": lambda: torch.where(chance.flips[:, None, None, None], pictures.flip(3), pictures),
        "hue": lambda: turn_hue(pictures, chance.hue),
        "grayscale": lambda: to_gray(pictures, chance.grayscale),
        "blur": lambda: blur(pictures, chance.sigmas),
        "solarize": lambda: solarize(pictures, chance.solarized),
    }
    matrix = color_matrix(**colors | {operator: getattr(chance, operator, ones)}, means=means(pictures)) if operator in colors else None
    alone = apply(pictures, chance, [operator])
    close(alone, expected[operator]() if matrix is None else recolor(pictures, matrix))
    assert (alone - pictures).abs().max() > 0.05


def test_a_neutral_draw_changes_nothing_and_of_picks_rows():
    close(apply(images(), neutral(24, 32, 32)), images())
    chance, rows = draw(Augment(**ALL), 24, 32, 32, generator(3)), torch.tensor([5, 2])
    close(apply(images()[rows], chance.of(rows)), apply(images(), chance)[rows])


def shares(knobs, views, number, count=20_000):
    """How often the `number`th of the stacked views is blurred and solarized."""
    chance = draw(knobs, count * views, 8, 8, generator(), views=views)
    rows = slice(number * count, (number + 1) * count)
    return float((chance.sigmas[rows] > 0).float().mean()), float(chance.solarized[rows].float().mean())


def test_byols_pair_is_as_unequal_as_its_paper_says():
    """Grill et al., 2020, table 6: blur 1.0 and 0.1, solarize 0.0 and 0.2."""
    [byol] = [each for each in PRESETS if each.name == "byol"]
    knobs = Augment(**{key.removeprefix("augment."): value for key, value in byol.values.items() if key.startswith("augment.")})
    assert shares(knobs, 2, 0) == (1, 0)
    second = shares(knobs, 2, 1)
    assert abs(second[0] - 0.1) < 0.01 and abs(second[1] - 0.2) < 0.015
    assert knobs.for_view(0) == knobs.model_copy(update={"blur_probability": 1, "solarize_probability": 0, "asymmetry": 0})
    apart = knobs.for_view(1)
    assert (apart.blur_probability, apart.solarize_probability) == pytest.approx((0.1, 0.2))


@pytest.mark.parametrize(("often", "least", "most"), [(0.2, 0.1, 0.3), (0.8, 0.7, 0.9), (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)])
def test_half_an_asymmetry_goes_half_as_far_as_probabilities_can(often, least, most):
    knobs = Augment(blur_probability=often, solarize_probability=often, asymmetry=0.5)
    for number, expected in enumerate([(most, least), (least, most)]):
        found = shares(knobs, 2, number)
        assert abs(found[0] - expected[0]) < 0.015 and abs(found[1] - expected[1]) < 0.015


def test_a_view_without_a_partner_is_as_the_mean():
    knobs = Augment(blur_probability=0.3, asymmetry=1)
    assert abs(shares(knobs, 1, 0)[0] - 0.3) < 0.015
    assert [round(shares(knobs, 3, number)[0], 1) for number in range(3)] == [0.6, 0.0, 0.3]


def test_without_asymmetry_it_does_not_matter_how_views_are_stacked():
    knobs = Augment(**ALL)
    assert torch.equal(augment(images(), knobs, generator(), views=2), augment(images(), knobs, generator()))


def test_every_knob_is_live():
    assert all(knob.live for knob in knobs_of(Augment))


def test_local_views_are_small_crops_of_a_small_share():
    crops = Crops(local_size=16, local_scale_min=0.1, local_scale_max=0.3)
    ramp = torch.linspace(0, 1, 32).expand(200, 3, 32, 32)
    views = augment(ramp, Augment(**NOTHING), torch.Generator().manual_seed(0), crops)
    assert views.shape == (200, 3, 16, 16)
    width = (views[..., -1] - views[..., 0]).mean((1, 2)) * 31 / 32 * 16 / 15
    assert float(width.min()) > 0.1**0.5 / (4 / 3) ** 0.5 - 0.05 and float(width.max()) < 0.3**0.5 * (4 / 3) ** 0.5 + 0.05


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"crops.local_size": 64}, "local_size must be at most the image's side of 32, got 64"),
        ({"crops.local_scale_min": 0.5, "crops.local_scale_max": 0.2}, "local_scale_min must be at most local_scale_max 0.2, got 0.5"),
        (
            {"network": "vit-tiny", "network.patch_size": 16, "crops.local_size": 24},
            "local_size must be a multiple of patch_size 16, got 24",
        ),
    ],
)
def test_local_views_that_cannot_be_are_refused(given, sentence):
    method = next(name for name, each in METHODS.items() if each.multi_crop and "vit" in each.accepts)
    with pytest.raises(ConfigError, match=sentence):
        RunConfig(method=method, **given)
