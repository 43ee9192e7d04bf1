"""Other libraries for the same work: lightly's loop, kornia's and torchvision's augmentations, UMAP from scratch."""

from __future__ import annotations

import importlib.util
import itertools
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import torch

from playground.config import RunConfig
from playground.datasets import Images
from playground.machine.devices import Device
from playground.training.trainer import Trainer

MAP_POINTS = 2000

Work = Callable[[], int]  # does something once and returns the number of views (or frames)


def lightly_loop(config: RunConfig, images: Images, device: Device) -> Work | str:
    """The loop of lightly's own SimCLR example around our network: its transform, its loader, its loss, its plain precision and memory."""
    if absent := _missing("lightly"):
        return absent
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from lightly.loss import NTXentLoss
        from lightly.transforms import SimCLRTransform
    jitter = config.augment
    transform = SimCLRTransform(
        input_size=32,
        cj_prob=jitter.jitter_probability,
        cj_bright=jitter.brightness,
        cj_contrast=jitter.contrast,
        cj_sat=jitter.saturation,
        cj_hue=jitter.hue,
        min_scale=jitter.crop_scale_min,
        random_gray_scale=jitter.grayscale_probability,
        gaussian_blur=0.0,
        normalize=None,
    )
    loader = torch.utils.data.DataLoader(
        _Pictures(images, transform), batch_size=config.batch_size, shuffle=True, drop_last=True, num_workers=0
    )
    trainer, criterion = Trainer(config, images, device), NTXentLoss(temperature=config.method.temperature)
    model, optimizer, batches = trainer.method, trainer.optimizer, _forever(loader)

    def step() -> int:
        first, second = (view.to(device.device) for view in next(batches))
        loss = criterion(model.project(model.embed(first)), model.project(model.embed(second)))
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        return 2 * config.batch_size

    return step


class _Pictures(torch.utils.data.Dataset[Any]):
    """PIL images with a transform, as from a folder of files."""

    def __init__(self, images: Images, transform: Callable[[Any], Any]) -> None:
        from torchvision.transforms.v2.functional import to_pil_image

        self.pictures, self.transform = [to_pil_image(each) for each in images.pixels], transform

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, index: int) -> Any:
        return self.transform(self.pictures[index])


def _forever(loader: Any) -> Iterator[Any]:
    for _ in itertools.count():
        yield from loader


def kornia(trainer: Trainer) -> Work | str:
    """The same augmentations by kornia, in batches, or why they are absent."""
    if absent := _missing("kornia"):
        return absent
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import kornia.augmentation as K
    knobs = trainer.config.augment
    pipeline = torch.nn.Sequential(
        K.RandomResizedCrop((32, 32), scale=(knobs.crop_scale_min, 1.0)),
        K.RandomHorizontalFlip(p=knobs.flip_probability),
        K.ColorJitter(knobs.brightness, knobs.contrast, knobs.saturation, knobs.hue, p=knobs.jitter_probability),
        K.RandomGrayscale(p=knobs.grayscale_probability),
    )
    pixels = trainer.images.pixels[:512]
    return lambda: len(pipeline(pixels.float() / 255))


def torchvision(trainer: Trainer) -> Work:
    """The same augmentations by torchvision, image by image."""
    from torchvision.transforms import v2

    knobs = trainer.config.augment
    jitter = v2.ColorJitter(knobs.brightness, knobs.contrast, knobs.saturation, knobs.hue)
    pipeline = v2.Compose([
        v2.RandomResizedCrop(32, scale=(knobs.crop_scale_min, 1.0)), v2.RandomHorizontalFlip(knobs.flip_probability),
        v2.RandomApply([jitter], knobs.jitter_probability), v2.RandomGrayscale(knobs.grayscale_probability),
        v2.ToDtype(torch.float32, scale=True),
    ])  # fmt: skip
    pixels = trainer.images.pixels[:64].cpu()
    return lambda: len([pipeline(each) for each in pixels])


def plain_fit() -> Work:
    """A map of the clusters from scratch."""
    import umap

    features = clusters().numpy()
    umap.UMAP(metric="cosine").fit_transform(features[: MAP_POINTS // 10])  # compiles it
    return lambda: len(umap.UMAP(metric="cosine").fit_transform(features)) // MAP_POINTS


def clusters() -> torch.Tensor:
    """Features like those of a trained network: ten clusters in 128 dimensions, the first rows from all of them."""
    generator = torch.Generator().manual_seed(0)
    return torch.randn(10, 128, generator=generator).repeat(MAP_POINTS // 10, 1) + 0.5 * torch.randn(MAP_POINTS, 128, generator=generator)


def _missing(peer: str) -> str:
    return "" if importlib.util.find_spec(peer) else f"{peer} is not installed: python -m pip install 'ssl-playground[bench]'"
