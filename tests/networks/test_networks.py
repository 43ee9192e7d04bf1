import pytest
import torch
import torch.nn.functional as F

from playground.config import RunConfig
from playground.machine import devices
from playground.networks import CATALOG, Block, attention, patchify, sine_positions, unpatchify
from playground.networks.heads import projector
from playground.views.masking import random_order, visible_count


@pytest.mark.parametrize("name", CATALOG)
def test_every_network_turns_images_into_its_width(name):
    config = RunConfig(network=name)
    network = CATALOG[name].build(config.network, 32).eval()
    assert network(torch.rand(2, 3, 32, 32)).shape == (2, network.width)


@pytest.mark.parametrize("patch", [2, 4, 8, 16])
def test_a_vit_takes_the_chosen_patch_size(patch):
    network = CATALOG["vit-tiny"].build(RunConfig(network="vit-tiny", **{"network.patch_size": patch}).network, 32)
    assert network.patches(torch.rand(1, 3, 32, 32)).shape == (1, (32 // patch) ** 2, 128)


@pytest.mark.slow
def test_resnet_18_has_as_many_weights_as_torchvisions_with_the_small_stem():
    import torchvision

    theirs = torchvision.models.resnet18(num_classes=1)
    expected = sum(p.numel() for p in theirs.parameters()) - theirs.conv1.weight.numel() + 64 * 3 * 9 - theirs.fc.weight.numel() - 1
    ours = CATALOG["resnet-18"].build(None, 32)
    assert sum(p.numel() for p in ours.parameters()) == expected


def test_plain_attention_agrees_with_torchs():
    q, k, v = torch.randn(3, 2, 4, 10, 8, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(attention(q, k, v), F.scaled_dot_product_attention(q, k, v), atol=1e-5)


def test_a_block_agrees_with_torchs_encoder_layer():
    torch.manual_seed(0)
    ours = Block(32, 4)
    theirs = torch.nn.TransformerEncoderLayer(32, 4, 128, 0.0, "gelu", batch_first=True, norm_first=True)
    pairs = {
        "self_attn.in_proj_weight": ours.qkv.weight, "self_attn.in_proj_bias": ours.qkv.bias, "self_attn.out_proj.weight": ours.out.weight,
        "self_attn.out_proj.bias": ours.out.bias, "linear1.weight": ours.mlp[0].weight, "linear1.bias": ours.mlp[0].bias,
        "linear2.weight": ours.mlp[2].weight, "linear2.bias": ours.mlp[2].bias, "norm1.weight": ours.norm1.weight,
        "norm1.bias": ours.norm1.bias, "norm2.weight": ours.norm2.weight, "norm2.bias": ours.norm2.bias,
    }  # fmt: skip
    theirs.load_state_dict(pairs)
    x = torch.randn(2, 9, 32)
    assert torch.allclose(ours(x), theirs(x), atol=1e-5)


def test_positions_differ_everywhere_and_neighbors_are_closest():
    positions = sine_positions(4, 32)
    distances = torch.cdist(positions, positions) + 100 * torch.eye(16)
    assert distances.min() > 0.1
    assert set(distances[5].topk(4, largest=False).indices.tolist()) == {1, 4, 6, 9}


def test_a_projector_ends_without_a_norm_unless_asked():
    assert isinstance(projector(8, 16, 4)[-1], torch.nn.Linear)
    assert isinstance(projector(8, 16, 4, last_norm=True)[-1], torch.nn.BatchNorm1d)
    assert sum(isinstance(each, torch.nn.Linear) for each in projector(8, 16, 4, layers=3)) == 3


@pytest.mark.parametrize(("patches", "ratio", "visible"), [(64, 0.75, 16), (16, 0.95, 1), (4, 0.05, 3), (64, 0.5, 32)])
def test_something_stays_visible_and_something_is_hidden(patches, ratio, visible):
    assert visible_count(patches, ratio) == visible


def test_masks_are_random_per_image_and_the_same_for_a_seed():
    orders = [random_order(50, 16, torch.Generator().manual_seed(1)) for _ in range(2)]
    assert torch.equal(*orders)
    assert len({tuple(row.tolist()) for row in orders[0]}) == 50
    assert torch.equal(orders[0].sort(1).values, torch.arange(16).expand(50, -1))


def test_a_device_is_described_for_people():
    words = devices.pick("cpu", "resnet").describe()
    assert words.startswith("cpu, float32, channels_last, ") and words.endswith((" thread", " threads"))
    assert devices.pick("cpu", "vit").memory_format is torch.contiguous_format


def test_auto_takes_what_is_here(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: False)
    assert devices.pick("auto", "vit").device.type == "cpu"
    with pytest.raises(devices.DeviceError, match="device must be one of cpu on this machine, got cuda"):
        devices.pick("cuda", "vit")


@pytest.mark.parametrize("patch", [2, 4, 8])
def test_patches_come_back_as_the_image_and_in_reading_order(patch):
    images = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    patches = patchify(images, patch)
    assert torch.equal(unpatchify(patches, patch, 32), images)
    second = images[0, :, :patch, patch : 2 * patch].reshape(-1)
    assert torch.equal(patches[0, 1], second)
