"""HOG against scikit-image's, and what the loss counts."""

import numpy as np
import pytest
import torch

from playground.config import RunConfig
from playground.datasets import load_images
from playground.knobs import ConfigError
from playground.methods.maskfeat import hog, strokes
from playground.randomness import seeded_generator
from support.trainings import trainer_of

feature = pytest.importorskip("skimage.feature", reason="scikit-image is not installed: pip install -e '.[test]'")


def method_of(**more):
    settings = {"method": "maskfeat", "network": "vit-tiny", "batch_size": 32, "steps": 10, "device": "cpu"}
    return trainer_of(RunConfig(**settings | more)).method


def images(count=4):
    return load_images(RunConfig().data, None)[1].pixels[:count].float() / 255


@pytest.mark.parametrize(("cell", "bins"), [(4, 9), (8, 9), (4, 6), (2, 12)])
def test_histograms_agree_with_scikit_image(cell, bins):
    for batch in (torch.rand(3, 3, 32, 32, generator=torch.Generator().manual_seed(0)).double(), images(3).double()):
        ours = hog(batch, cell, bins, 1e-5)
        for b in range(3):
            for c in range(3):
                expected = feature.hog(batch[b, c].numpy(), bins, (cell, cell), (1, 1), block_norm="L2", feature_vector=False)[:, :, 0, 0]
                assert np.abs(ours[b, c].movedim(0, -1).numpy() - expected).max() < 1e-5


def test_an_edge_fills_the_bin_of_its_gradient():
    ramp = torch.linspace(0, 1, 16).expand(1, 1, 16, 16)
    inner = slice(1, 3)  # cells without the border, where the gradient is zero
    across, down, diagonal = (hog(each, 4, 4, 1e-5)[0, 0, :, inner, inner] for each in (ramp, ramp.mT, ramp + 2 * ramp.mT))
    assert torch.allclose(across[0], torch.ones(2, 2)) and torch.allclose(down[2], torch.ones(2, 2))
    assert torch.allclose(diagonal[1], torch.ones(2, 2))


def test_the_floor_silences_noise_and_not_edges():
    noise = torch.rand(1, 1, 8, 8, generator=torch.Generator().manual_seed(0)) * 0.02
    edge = torch.zeros(1, 1, 8, 8)
    edge[..., 4:] = 1
    assert hog(noise, 8, 9, 0.1).norm() < 0.1 < 0.9 < hog(edge, 8, 9, 0.1).norm()


def test_targets_lie_in_the_patch_that_they_describe():
    """Cells of 2 px in patches of 4: four histograms a channel, all of the patch's own pixels."""
    method = method_of(**{"method.cell_size": 2})
    maps, targets = hog(images(), 2, 9, method.knobs.contrast_floor), method.target(images())
    assert targets.shape == (4, 64, 3 * 9 * 4)
    row, column = 3, 5
    own = maps[:, :, :, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2]
    assert torch.equal(targets[:, 8 * row + column], own.flatten(1))


def test_visible_patches_do_not_count():
    method, seed = method_of(), seeded_generator(0, "loss", 1)
    with torch.no_grad():
        mask = method.draw(images(), seed)
        predicted, hidden = method.predict(images(), mask), mask.hidden
        found = method.diagnostics(images(), seeded_generator(0, "loss", 1))["reconstruction"]
    target = method.target(images())
    total = sum(float((predicted[b, i] - target[b, i]).square().mean()) for b, i in hidden.nonzero().tolist())
    assert float(found) == pytest.approx(total / int(hidden.sum()), abs=1e-5)


def test_a_line_is_drawn_along_its_edge():
    lines = strokes(2, 5)  # gradients at 45 and 135 degrees, downward: edges that rise and fall to the right
    assert torch.allclose(lines[0], lines[1].flip(1), atol=1e-6)
    assert lines[0].fliplr().diagonal().min() > lines[0].diagonal()[[0, -1]].max()
    pictures = method_of().pictures(images(), seeded_generator(0, "probe", 0))
    assert list(pictures) == ["original", "masked", "target", "reconstruction", "pasted"]
    assert all(row.shape == (4, 3, 32, 32) for row in pictures.values())


def test_cells_that_do_not_tile_a_patch_are_refused():
    with pytest.raises(ConfigError, match="cell_size must divide the network's patch_size of 4, got 8"):
        RunConfig(method="maskfeat", **{"method.cell_size": 8})
