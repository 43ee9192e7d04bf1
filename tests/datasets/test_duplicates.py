import io
from collections import Counter

import numpy as np
import pytest
import torch
from PIL import Image

from playground import RunConfig, train
from playground.datasets import CATALOG, duplicates, intake, own
from playground.datasets.duplicates import Duplicates, units
from playground.datasets.parts import sizes, split
from playground.events import Started


def scenes(count, side=32, seed=0):
    """Smooth images with edges, all different: (N, 3, side, side) uint8."""
    random = torch.Generator().manual_seed(seed)
    small = torch.rand(count, 3, 5, 5, generator=random)
    return torch.nn.functional.interpolate(small, side, mode="bicubic").clamp(0, 1).mul(255).byte()


def saved_again(picture, side, quality):
    """Through a JPEG of another size."""
    held = io.BytesIO()
    Image.fromarray(picture.permute(1, 2, 0).numpy()).resize((side, side)).save(held, "JPEG", quality=quality)
    back = Image.open(held).resize(picture.shape[1:])
    return torch.from_numpy(np.array(back)).permute(2, 0, 1)


@pytest.fixture(scope="module")
def different():
    return scenes(400)


def test_different_pictures_are_no_copies(different):
    assert duplicates.duplicates(different) == Duplicates()


def test_copies_are_found_wherever_they_lie_and_near_ones_too(different):
    brighter = (different[7].float() * 1.03 + 4).clamp(0, 255).byte()
    pixels = torch.cat([different, different[[3, 3]], saved_again(different[90], 50, 40)[None], brighter[None]])
    found = duplicates.duplicates(pixels)
    assert found.groups == [[3, 400, 401], [7, 403], [90, 402]] and found.exact == 2
    assert found.distinct(404) == 400
    assert Counter(units(404, found.groups)).most_common(2)[0] == (3, 3)


def test_other_pictures_at_the_same_place_are_no_copies(different):
    """Turned, mirrored and recolored ones are left alone: they are not what a copy is here."""
    one = different[:1]
    assert duplicates.duplicates(torch.cat([one, one.flip(3), one.flip(2), one.transpose(2, 3), one.flip(1), 255 - one])).groups == []


@pytest.mark.slow
def test_near_copies_are_those_that_comparing_all_pairs_finds():
    """Chains of slowly changing images, so that many distances lie on both sides of the limit."""
    start, end = scenes(40, seed=1).float(), scenes(40, seed=2).float()
    speed = torch.linspace(0.01, 0.12, 40).view(-1, 1, 1, 1)  # of each chain
    pixels = torch.cat([torch.lerp(start, end, share * speed).clamp(0, 255).byte() for share in range(8)])
    points = duplicates._scaled(torch.nn.functional.avg_pool2d(pixels.float(), 2).round().byte().numpy()).double()
    label = torch.arange(len(points))
    for _ in range(8):  # the smallest row that can be reached
        near = torch.cdist(points, points, compute_mode="donot_use_mm_for_euclid_dist") <= duplicates.NEAR
        label = torch.where(near, label[None], len(points)).amin(1)
    expected = [(label == first).nonzero().flatten().tolist() for first in label.unique()]
    assert 20 < sum(len(each) == 1 for each in expected) < 300
    assert duplicates.duplicates(pixels).groups == [each for each in expected if len(each) > 1]


@pytest.mark.slow
@pytest.mark.parametrize("noise", [0, 3])
def test_thousands_of_one_picture_are_one_group(noise):
    one = scenes(1)[0].int()
    pixels = (one + torch.randint(-noise, noise + 1, (3000, *one.shape), generator=torch.Generator().manual_seed(0))).clamp(0, 255).byte()
    found = duplicates.duplicates(pixels)
    assert found.groups == [list(range(3000))] and found.exact == (0 if noise else 2999)
    assert found.notices(3000) == ["All images are the same, exactly or nearly: there is nothing to distinguish."]


def test_blank_pictures_are_counted():
    colors = torch.randint(0, 256, (30, 3, 1, 1), generator=torch.Generator().manual_seed(0)).byte().expand(-1, -1, 32, 32)
    assert duplicates.duplicates(torch.cat([colors, scenes(3)])).blank == 30
    found = duplicates.duplicates(colors)
    assert found.distinct(30) == 30 and found.notices(30) == ["Every image has only one color: there is nothing to see in it."]


@pytest.mark.parametrize("seed", range(5))
def test_copies_of_one_picture_are_never_in_two_parts(seed):
    labels, names = [0] * 150 + [1] * 50, [str(row) for row in range(200)]
    same = [[row, row + 1] for row in range(0, 40, 2)] + [list(range(150, 165))]
    order, parts, unit = split(labels, seed, names, same), sizes(200), units(200, same)
    held = parts.training + parts.watched
    pieces = [order[: parts.training], order[parts.training : held], order[held:]]
    assert sorted(order) == list(range(200)) and [len(each) for each in pieces] == [parts.training, parts.watched, parts.test]
    where = [{unit[row] for row in piece} for piece in pieces]
    assert not (where[0] & where[1] or where[0] & where[2] or where[1] & where[2])
    assert set(range(40)) <= set(pieces[0])  # there are enough others
    assert [sum(labels[row] for row in piece) for piece in pieces[1:]] == [10, 10]  # of each class its share


def test_where_all_are_copies_the_parts_are_as_large_as_ever():
    order = split([0] * 100, 0, [str(row) for row in range(100)], [list(range(90)), list(range(90, 100))])
    assert sorted(order) == list(range(100))
    pairs = [[row, row + 1] for row in range(0, 100, 2)]
    order, unit = split([0] * 100, 0, [str(row) for row in range(100)], pairs), units(100, pairs)
    held = [{unit[row] for row in part} for part in (order[:60], order[60:80], order[80:])]
    assert not (held[0] & held[1] or held[1] & held[2] or held[0] & held[2])


def folder(place, pictures, kinds=("a", "b")):
    """An image a file, taking turns between the classes."""
    for row, picture in enumerate(pictures):
        path = place / kinds[row % len(kinds)] / f"{row:03}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture.permute(1, 2, 0).numpy()).save(path)
    return place


def test_a_set_with_copies_says_so_and_trains_on_them_alone(home, different):
    """The two parts that are measured hold no image that training has seen, though 20 of 60 are copies; labels follow their images."""
    pictures = different[:40]
    place = folder(home / "birds", torch.cat([pictures, pictures[:19], saved_again(pictures[19], 40, 80)[None]]))
    list(intake.add(place))
    kind = CATALOG["own-birds"]
    assert kind.own.duplicates.distinct(60) == 40
    knobs = kind.Knobs()
    assert list(kind.fetch(knobs, home)) == []  # put in order where it was decoded, not decoded again
    parts = [*kind.load(knobs, home), kind.test(knobs, home)]
    seen = [{bytes(each.numpy().tobytes()) for each in part.pixels} for part in parts]
    assert not (seen[0] & seen[1] or seen[0] & seen[2] or seen[1] & seen[2])
    known = {bytes(each.numpy().tobytes()): row % 2 for row, each in enumerate(pictures)}
    for part in parts:
        for pixels, label in zip(part.pixels, part.factors["class"].tolist(), strict=True):
            assert known.get(bytes(pixels.numpy().tobytes()), label) == label
    sentence = "20 of 60 images repeat another one (19 exactly, 1 nearly; at most 2 show the same)."
    assert any(each.startswith(sentence) for each in kind.remarks(knobs, home))


@pytest.mark.slow
def test_another_size_is_decoded_in_the_same_order(home, different):
    list(intake.add(folder(home / "birds", torch.cat([different[:30], different[:10]]))))
    kind = CATALOG["own-birds"]
    list(kind.fetch(kind.Knobs(size=64), home))
    small, large = (kind.load(kind.Knobs(size=size), home)[0].pixels.float() for size in (32, 64))
    assert (torch.nn.functional.avg_pool2d(large, 2) - small).abs().mean() < 2


def test_a_picture_in_two_classes_is_told(home, different):
    list(intake.add(folder(home / "x", torch.cat([different[:21], different[:2]]))))
    assert any(each == "2 images are in more than one class." for each in CATALOG["own-x"].remarks(None, home))


@pytest.mark.slow
def test_copies_of_one_picture_are_said_at_once_and_a_run_keeps_it(home, different):
    list(intake.add(folder(home / "same", different[:1].expand(30, -1, -1, -1))))
    kind = CATALOG["own-same"]
    assert kind.notices(kind.Knobs(), home) == ["All images are the same, exactly or nearly: there is nothing to distinguish."]
    events = train(RunConfig(data="own-same", steps=1, network="resnet-tiny", device="cpu"))
    facts = next(each for each in events if isinstance(each, Started)).facts
    assert facts["data"]["pictures"] == 30 and facts["data"]["distinct"] == 1


def test_a_set_of_an_earlier_version_has_no_copies_known(home, different):
    list(intake.add(folder(home / "x", different[:20])))
    index = home / "data/own/x/index.json"
    index.write_text(index.read_text().replace('"duplicates": {"groups": [], "exact": 0, "blank": 0}, ', ""))
    assert own.get("x").duplicates == Duplicates()
