"""Backbones: images in, one feature vector per image out.

Every backbone takes (B, 3, H, W) floats in [0, 1] and returns (B, `width`). It normalizes the pixels itself.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal, cast, get_args

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from playground.knobs import Choice, ConfigError, option
from playground.networks.transformer import Block, patchify, sine_positions


class Network(Choice):
    """A backbone to choose. family: "resnet" or "vit", for methods that accept only one of them."""

    family: ClassVar[str]

    @classmethod
    def build(cls, knobs: Any, image_size: int) -> Backbone:
        """A new backbone with weights drawn from torch's global generator."""
        raise NotImplementedError

    @classmethod
    def check(cls, config: Any) -> None:
        """Raises ConfigError if the knobs and the data do not fit together."""


class Backbone(nn.Module):
    """A network that gives `width` features for each image."""

    width: int
    stride: int  # of `feature_map`, in pixels

    def feature_map(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) in [0, 1] -> (B, width, H / stride, W / stride): features with positions, before they are averaged."""
        raise NotImplementedError

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) -> (B, width), averaged over all positions."""
        return self.feature_map(images).mean((2, 3))

    def normalize(self, images: Tensor) -> Tensor:
        """[0, 1] -> [-1, 1], the same for all data, so that no statistics of the dataset are needed."""
        return images * 2 - 1


class ResNet(Backbone):
    """Basic blocks (He et al., 2016) after a 3x3 stem, which fits images of 32 px better than the usual 7x7.

    widths: channels of each stage; every stage after the first halves the side. stem_stride 2 needs a quarter of the computation.
    """

    def __init__(self, widths: tuple[int, ...], blocks: int, stem_stride: int) -> None:
        super().__init__()
        self.width, self.stride = widths[-1], stem_stride * 2 ** (len(widths) - 1)
        self.stem = nn.Sequential(nn.Conv2d(3, widths[0], 3, stem_stride, 1, bias=False), nn.BatchNorm2d(widths[0]), nn.ReLU())
        stages: list[nn.Module] = []
        channels = widths[0]
        for stage, width in enumerate(widths):
            for block in range(blocks):
                stages.append(BasicBlock(channels, width, stride=2 if stage and not block else 1))
                channels = width
        self.stages = nn.Sequential(*stages)

    def feature_map(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) -> (B, width, H / stride, W / stride), for any image size."""
        return self.stages(self.stem(self.normalize(images)))


class BasicBlock(nn.Module):
    """Two 3x3 convolutions with a residual connection."""

    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels, width, 3, stride, 1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, 1, 1, bias=False),
            nn.BatchNorm2d(width),
        )
        same = channels == width and stride == 1
        self.around = nn.Identity() if same else nn.Sequential(nn.Conv2d(channels, width, 1, stride, bias=False), nn.BatchNorm2d(width))

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, H, W) -> (B, width, H / stride, W / stride)."""
        return F.relu(self.body(x) + self.around(x))


class ViT(Backbone):
    """A vision transformer (Dosovitskiy et al., 2021) without a class token: patches in, their mean out.

    Masked methods use its parts: `patches` embeds patches, `encode` runs the blocks on any subset of the tokens.
    """

    def __init__(self, image_size: int, patch_size: int, width: int, depth: int, heads: int) -> None:
        super().__init__()
        self.width, self.patch_size, self.stride = width, patch_size, patch_size
        self.grid = image_size // patch_size
        self.embed = nn.Linear(3 * patch_size**2, width)
        self.positions: Tensor
        self.register_buffer("positions", sine_positions(self.grid, width), persistent=False)
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(depth))
        self.norm = nn.LayerNorm(width)

    def patches(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) in [0, 1] -> (B, L, width): the embeddings of all patches plus their positions.

        A smaller image is a small crop with few patches: their positions are spread over the same range as those of a full image.
        """
        grid = images.shape[-1] // self.patch_size
        positions = self.positions if grid == self.grid else sine_positions(grid, self.width, self.grid).to(images.device)
        return self.embed(patchify(self.normalize(images), self.patch_size)) + positions

    def encode(self, tokens: Tensor, causal: bool = False) -> Tensor:
        """(B, any number, width) -> the same shape, after all blocks. causal: no token attends to a later one."""
        for block in self.blocks:
            tokens = block(tokens, causal)
        return self.norm(tokens)

    def feature_map(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) -> (B, width, H / p, W / p)."""
        tokens = self.encode(self.patches(images))
        return tokens.transpose(1, 2).unflatten(2, (images.shape[-1] // self.patch_size, -1))

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) -> (B, width): the mean over patches."""
        return self.encode(self.patches(images)).mean(1)

    @torch.no_grad()
    def attention(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) -> (B, heads, L, L): attention weights of each patch (row) in the last block. No gradient."""
        tokens = self.patches(images)
        for block in self.blocks[:-1]:
            tokens = block(tokens)
        return cast(Block, self.blocks[-1]).weights(tokens)


class _ResNet(Network):
    """The base of all residual networks."""

    family = "resnet"
    widths: ClassVar[tuple[int, ...]]
    blocks: ClassVar[int]
    stem_stride: ClassVar[int]

    @classmethod
    def build(cls, knobs: Any, image_size: int) -> Backbone:
        """A ResNet, for any image size."""
        return ResNet(cls.widths, cls.blocks, cls.stem_stride)


class ResNetTiny(_ResNet):
    """Half as wide as ResNet small."""

    name, title = "resnet-tiny", "ResNet tiny"
    summary = "3 stages of 16, 32, 64 channels: for simple images, slow machines and quick tests."
    widths, blocks, stem_stride = (16, 32, 64), 1, 2


class ResNetSmall(_ResNet):
    """For photographs on a CPU."""

    name, title = "resnet-small", "ResNet small"
    summary = "3 stages of 32, 64, 128 channels, made for a CPU: four times the computation of ResNet tiny."
    widths, blocks, stem_stride = (32, 64, 128), 1, 2


class ResNet18(_ResNet):
    """The usual network for small images."""

    name, title = "resnet-18", "ResNet-18"
    summary = "The standard network, with the stem for 32 px (3x3, no pooling): needs a GPU."
    widths, blocks, stem_stride = (64, 128, 256, 512), 2, 1


class _ViT(Network):
    """The base of all vision transformers."""

    family = "vit"
    width: ClassVar[int]
    depth: ClassVar[int]
    heads: ClassVar[int]

    class Knobs(Choice.Knobs):
        """The patch size."""

        patch_size: Literal[2, 4, 8, 16] = option(4, "The side of a patch in pixels. Smaller patches: finer, but many times slower.")

    @classmethod
    def check(cls, config: Any) -> None:
        """The image must consist of whole patches, at least four of them."""
        side, patch = config.data.image_size, config.network.patch_size
        if side % patch or side < 2 * patch:
            raise ConfigError(
                "network.patch_size", f"{cls.name}: patch_size must divide the image's side of {side} at least twice, got {patch}"
            )

    @classmethod
    def build(cls, knobs: Any, image_size: int) -> ViT:
        """A ViT with the chosen patch size."""
        return ViT(image_size, knobs.patch_size, cls.width, cls.depth, cls.heads)


class ViTTiny(_ViT):
    """Small enough for two cores."""

    name, title = "vit-tiny", "ViT tiny"
    summary = "4 blocks of width 128: attention at a size that a CPU can train."
    width, depth, heads = 128, 4, 4


class ViTSmall(_ViT):
    """Closer to the size that papers use for small images."""

    name, title = "vit-small", "ViT small"
    summary = "6 blocks of width 256: slow on a CPU, fast on a GPU."
    width, depth, heads = 256, 6, 8


def patch_sizes() -> tuple[int, ...]:
    """The patch sizes of the ViTs, in pixels."""
    return get_args(_ViT.Knobs.model_fields["patch_size"].annotation)


def tiny_vit(image_size: int, patch_size: int) -> ViT:
    """The smallest ViT, with weights drawn from torch's global generator."""
    return ViTTiny.build(ViTTiny.Knobs.model_validate({"patch_size": patch_size}), image_size)
