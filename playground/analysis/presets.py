"""Presets: the augmentations of well-known papers, as settings in the flat form.

A preset sets everything in `augment`, and the local views if the method uses any; it does not change the rest of a run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, get_args

from playground import methods
from playground.config import RunConfig, defaults
from playground.views.augment import Augment, Crops

NONE: dict[str, Any] = {
    "augment.crop_scale_min": 1.0,
    "augment.flip_probability": 0.0,
    "augment.jitter_probability": 0.0,
    "augment.brightness": 0.0,
    "augment.contrast": 0.0,
    "augment.saturation": 0.0,
    "augment.hue": 0.0,
    "augment.grayscale_probability": 0.0,
    "augment.blur_probability": 0.0,
    "augment.solarize_probability": 0.0,
    "augment.asymmetry": 0.0,
    "crops.local_views": 0,
}
JITTER = {"augment.flip_probability": 0.5, "augment.jitter_probability": 0.8, "augment.grayscale_probability": 0.2}
PAIR = {"augment.blur_probability": 0.55, "augment.solarize_probability": 0.1, "augment.asymmetry": 1.0}  # 1 and 0.1; 0 and 0.2


def _colors(brightness: float, contrast: float, saturation: float, hue: float) -> dict[str, float]:
    strengths = {"brightness": brightness, "contrast": contrast, "saturation": saturation, "hue": hue}
    return {f"augment.{name}": strength for name, strength in strengths.items()}


@dataclass(frozen=True)
class Preset:
    """values: in the flat form. local_side: of a small crop, as a share of the image's side. method: the one to choose if the current
    method does not fit."""

    name: str
    title: str
    summary: str
    paper: str = ""
    link: str = ""
    values: Mapping[str, Any] = field(default_factory=lambda: NONE)
    local_side: float | None = None
    method: str | None = None


OWN = Preset("own", "Dataset's own", "The defaults that this dataset and this method suggest.", values={})
PRESETS = (
    Preset("none", "None", "Every view is the image itself: there is nothing to be invariant to, and nothing to learn from a pair."),
    Preset(
        "weak",
        "Weak",
        "A flip and a shift by at most an eighth of the side; no color changes.",
        "Sohn et al., 2020: FixMatch",
        "https://arxiv.org/abs/2001.07685",
        NONE | {"augment.crop_scale_min": 0.77, "augment.flip_probability": 0.5},
    ),
    Preset(
        "simclr",
        "SimCLR",
        "Small crops, the strongest color changes, gray, blur.",
        "Chen et al., 2020: SimCLR, appendix A",
        "https://arxiv.org/abs/2002.05709",
        NONE | JITTER | _colors(0.8, 0.8, 0.8, 0.2) | {"augment.crop_scale_min": 0.08, "augment.blur_probability": 0.5},
    ),
    Preset(
        "moco-v2",
        "MoCo v2",
        "SimCLR's operators with half of the color changes and larger crops.",
        "Chen et al., 2020: MoCo v2",
        "https://arxiv.org/abs/2003.04297",
        NONE | JITTER | _colors(0.4, 0.4, 0.4, 0.1) | {"augment.crop_scale_min": 0.2, "augment.blur_probability": 0.5},
    ),
    Preset(
        "byol",
        "BYOL's pair",
        "Two different views: the first is always blurred, the second rarely, and only the second may be solarized.",
        "Grill et al., 2020: BYOL, table 6",
        "https://arxiv.org/abs/2006.07733",
        NONE | JITTER | _colors(0.4, 0.4, 0.2, 0.1) | PAIR | {"augment.crop_scale_min": 0.08},
    ),
    Preset(
        "dino",
        "DINO multi-crop",
        "BYOL's color changes on two large crops, and eight small crops that must agree with them.",
        "Caron et al., 2021: DINO",
        "https://arxiv.org/abs/2104.14294",
        NONE
        | JITTER
        | _colors(0.4, 0.4, 0.2, 0.1)
        | PAIR
        | {"augment.crop_scale_min": 0.4, "crops.local_views": 8, "crops.local_scale_min": 0.05, "crops.local_scale_max": 0.4},
        local_side=96 / 224,
        method="dino",
    ),
    OWN,
)


def settings(preset: Preset, flat: Mapping[str, Any], image_size: int, patch: int = 1) -> dict[str, Any]:
    """The settings of `preset` for a flat form, with a method that uses local views if the preset needs one.

    image_size: the side of the images in pixels. patch: the patch size of the network; small crops must consist of whole patches.
    """
    method = flat["method"] if not preset.method or methods.CATALOG[flat["method"]].multi_crop else preset.method
    usual = defaults(data=flat["data"], method=method)
    values = dict(preset.values) or {key: value for key, value in usual.items() if key.partition(".")[0] in ("augment", "crops")}
    if preset.local_side:
        values["crops.local_size"] = _nearest(preset.local_side * image_size, image_size, patch)
    known = values if methods.CATALOG[method].multi_crop else {key: each for key, each in values.items() if not key.startswith("crops.")}
    return {"method": method, **known}


def pipeline(preset: Preset, config: RunConfig) -> tuple[Augment, Crops | None]:
    """The preset's knobs of global views and, if it has any, of local views, for the images of a config and any method."""
    values = settings(preset, config.flat(), config.data.image_size, getattr(config.network, "patch_size", 1))
    parts: dict[str, dict[str, Any]] = {"augment": {}, "crops": {}}
    for key, value in values.items():
        section, _, name = key.partition(".")
        parts.get(section, {})[name] = value
    crops = Crops(**parts["crops"])
    return Augment(**parts["augment"]), crops if parts["crops"] and crops.local_views else None


def matching(flat: Mapping[str, Any], image_size: int, patch: int = 1) -> Preset | None:
    """The preset that matches a flat form, if there is one."""
    fits = (each for each in PRESETS if settings(each, flat, image_size, patch).items() <= flat.items())
    return next(fits, None)


def _nearest(wanted: float, image_size: int, patch: int) -> int:
    """The possible size of small crops that is nearest to the wanted one."""
    sizes = [each for each in get_args(Crops.model_fields["local_size"].annotation) if each <= image_size and each % patch == 0]
    return int(min(sizes, key=lambda each: abs(each - wanted), default=image_size))
