"""Masks: exact counts, and what each strategy promises."""

import itertools

import pytest
import torch

from playground.config import RunConfig
from playground.knobs import ConfigError
from playground.networks import ViT
from playground.views.masking import Mask, Masking, attention_order, bayer, block_order, draw_mask, grid_order, rectangles

STRATEGIES = ("random", "block", "grid", "attention")


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module", params=[2, 7, 8, 12])
def vit(request):
    torch.manual_seed(0)
    return ViT(4 * request.param, 4, 32, 2, 4)


def masks(vit, strategy, ratio, seed=0, batch=6):
    images = torch.rand(batch, 3, 4 * vit.grid, 4 * vit.grid, generator=generator(9))
    return draw_mask(Masking(strategy=strategy, ratio=ratio), images, vit.patch_size, vit.attention, generator(seed))


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("ratio", [0.05, 0.3, 0.5, 0.75, 0.9, 0.95])
def test_every_image_hides_exactly_as_many_and_never_none_or_all(vit, strategy, ratio):
    mask, patches = masks(vit, strategy, ratio), vit.grid**2
    assert torch.equal(mask.order.sort(1).values, torch.arange(patches).expand(6, -1))
    seen = min(max(int(patches * (1 - ratio)), 1), patches - 1)
    assert mask.seen == seen and 0 < seen < patches
    assert (mask.hidden.sum(1) == patches - seen).all()
    assert not mask.hidden.gather(1, mask.visible).any() and mask.hidden.gather(1, mask.concealed).all()


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_masks_follow_from_the_seed_and_differ_between_seeds_and_images(strategy):
    torch.manual_seed(0)
    vit = ViT(32, 4, 32, 2, 4)
    first, again, other = (masks(vit, strategy, 0.5, seed).hidden for seed in (1, 1, 2))
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert len(first.unique(dim=0)) > 1


def pieces(hidden):
    """How many connected parts a (grid, grid) mask has."""
    left, count = {tuple(place) for place in hidden.nonzero().tolist()}, 0
    while left:
        count, front = count + 1, [left.pop()]
        while front:
            row, column = front.pop()
            near = {(row + 1, column), (row - 1, column), (row, column + 1), (row, column - 1)} & left
            left -= near
            front += near
    return count


def borders(hidden):
    """How many pairs of neighbors differ: (B, grid, grid) -> mean over images."""
    across, down = hidden[:, 1:] ^ hidden[:, :-1], hidden[:, :, 1:] ^ hidden[:, :, :-1]
    return float(across.sum() + down.sum()) / len(hidden)


def test_a_small_block_is_one_piece_and_large_ones_have_short_borders():
    small = block_order(50, 8, generator())[:, -4:]
    hidden = torch.zeros(50, 64, dtype=torch.bool).scatter(1, small, True).unflatten(1, (8, 8))
    assert [pieces(each) for each in hidden] == [1] * 50
    vit = ViT(32, 4, 32, 1, 4)
    blocks, scattered = (masks(vit, each, 0.5, batch=200).hidden.unflatten(1, (8, 8)) for each in ("block", "random"))
    assert borders(blocks) < 0.6 * borders(scattered)


def test_blocks_are_hidden_whole_rectangle_after_rectangle():
    boxes, order = rectangles(20, 32, 8, generator()), block_order(20, 8, generator())
    for image in range(20):
        covered, start = torch.zeros(64, dtype=torch.bool), 64
        for box in boxes[image]:
            fresh = box & ~covered
            start, end = start - int(fresh.sum()), start
            assert set(order[image, start:end].tolist()) == set(fresh.nonzero()[:, 0].tolist())
            covered |= box


def test_rectangles_reach_every_place_and_are_rectangles():
    boxes = rectangles(200, 8, 8, generator()).flatten(0, 1).unflatten(1, (8, 8))
    assert torch.equal(boxes, boxes.any(2, keepdim=True) & boxes.any(1, keepdim=True))
    shares = boxes.float().mean(0)
    assert shares.min() > 0.03  # a corner lies in few rectangles, but in some
    assert float((shares - shares.flip(0, 1)).abs().max()) < 0.05


@pytest.mark.parametrize("seen", [4, 8, 16, 32, 48])
def test_a_grid_spreads_what_is_visible_evenly(seen):
    """Every quadrant has its share, and no place is far from a visible one."""
    visible = torch.zeros(40, 64).scatter(1, grid_order(40, 8, generator())[:, :seen], 1.0).unflatten(1, (8, 8))
    quadrants = torch.nn.functional.avg_pool2d(visible[:, None], 4) * 16
    assert (quadrants == seen / 4).all()


def test_a_quarter_of_a_grid_is_a_lattice_and_half_of_it_a_checkerboard():
    order = grid_order(40, 8, generator())
    quarter, half = (torch.zeros(40, 64).scatter(1, order[:, :seen], 1.0).unflatten(1, (8, 8)) for seen in (16, 32))
    assert (torch.nn.functional.avg_pool2d(quarter[:, None], 2, 1) == 0.25).all()
    assert torch.equal(half[:, 1:], 1 - half[:, :-1]) and torch.equal(half[:, :, 1:], 1 - half[:, :, :-1])


def test_the_dither_is_the_published_one():
    assert bayer(4).tolist() == [[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]]


def test_attended_patches_are_hidden_in_proportion_without_replacement():
    """Against all orders of drawing, enumerated: P(i, j, ...) = a_i * a_j / (1 - a_i) * ..."""
    attention = torch.tensor([0.5, 0.25, 0.15, 0.1])
    expected = torch.zeros(4)
    for i, j in itertools.permutations(range(4), 2):
        chance = attention[i] * attention[j] / (1 - attention[i])
        expected[i] += chance
        expected[j] += chance
    hidden = attention_order(attention.expand(20_000, -1), generator())[:, 2:]
    shares = torch.bincount(hidden.flatten(), minlength=4) / 20_000
    assert torch.allclose(shares, expected, atol=0.015)


def test_the_attention_of_the_last_block_decides(monkeypatch):
    vit = ViT(32, 4, 32, 2, 4)
    looked_at = torch.arange(64) % 8 < 3
    map_ = torch.where(looked_at, 1.0, 1e-6).expand(6, 4, 64, 64)
    monkeypatch.setattr(vit, "attention", lambda images: map_ / map_.sum(-1, keepdim=True))
    hidden = masks(vit, "attention", 0.3).hidden
    assert hidden.sum() == 6 * 20 and not hidden[:, ~looked_at].any()


def test_attention_that_is_read_is_the_one_that_is_used():
    """The weights, put on the values, give what the block gives; and nothing of it has a gradient."""
    torch.manual_seed(0)
    vit = ViT(32, 4, 32, 2, 4)
    images = torch.rand(2, 3, 32, 32)
    weights = vit.attention(images)
    assert weights.shape == (2, 4, 64, 64) and not weights.requires_grad
    assert torch.allclose(weights.sum(-1), torch.ones(2, 4, 64), atol=1e-5)
    last, x = vit.blocks[-1], vit.blocks[0](vit.patches(images))
    v = last.qkv(last.norm1(x))[..., 64:].unflatten(2, (4, 8)).transpose(1, 2)
    x = x + last.out((weights @ v).transpose(1, 2).flatten(2))
    assert torch.allclose(x + last.mlp(last.norm2(x)), last(vit.blocks[0](vit.patches(images))), atol=1e-5)


def test_a_wrong_strategy_or_ratio_has_its_sentence():
    with pytest.raises(ConfigError, match="strategy must be one of random, block, grid, attention, got spiral"):
        RunConfig(method="mae", **{"masking.strategy": "spiral"})
    with pytest.raises(ConfigError, match=r"ratio must be from 0.05 to 0.95, got 1"):
        RunConfig(method="mae", **{"masking.ratio": 1})
    with pytest.raises(ConfigError, match="patch_size must be one of 2, 4, 8, 16, got 3"):
        RunConfig(method="mae", **{"network.patch_size": 3})


def test_a_drawn_mask_hides_just_what_was_drawn():
    hidden = torch.tensor([[0, 1, 1, 0, 1], [1, 0, 0, 1, 1]]).bool()
    mask = Mask.of(hidden)
    assert torch.equal(mask.hidden, hidden) and mask.seen == 2
    assert mask.visible.tolist() == [[0, 3], [1, 2]] and mask.concealed.tolist() == [[1, 2, 4], [0, 3, 4]]


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ([[0, 0, 0]], "must hide at least 1 of 3 patches, got 0"),
        ([[1, 1, 1]], "must leave at least 1 of 3 patches visible, got 0"),
        ([[1, 0, 0], [1, 1, 0]], "must hide the same number of patches in every image, got 1 and 2"),
    ],
)
def test_a_mask_that_leaves_nothing_to_do_has_its_sentence(rows, sentence):
    with pytest.raises(ValueError, match=sentence):
        Mask.of(torch.tensor(rows).bool())
