"""Augmentations: the random changes between two views of one image, drawn for a whole batch at once on its device."""

from __future__ import annotations

from playground.knobs import Section, knob


class Augment(Section):
    """How far two views of one image may differ. What differs between views is what the network learns to ignore."""

    crop_scale_min: float = knob(
        0.3, 0.05, 1, "The smallest part of the image that a crop may keep. Small crops teach that a part belongs to its whole.", live=True
    )
    flip_probability: float = knob(
        0.5, 0, 1, "How often a view is mirrored. Turn it off where left and right mean something, as in text.", live=True
    )
    jitter_probability: float = knob(
        0.8, 0, 1, "How often colors are changed. At 0 views keep their colors, and color alone is enough to tell images apart.", live=True
    )
    brightness: float = knob(0.4, 0, 1, "How much lighter or darker a view may get: 0.4 means 60 % to 140 % of the light.", live=True)
    contrast: float = knob(0.4, 0, 1, "How far light and dark may be pulled apart or pushed together.", live=True)
    saturation: float = knob(0.4, 0, 1, "How much paler or more vivid colors may get.", live=True)
    hue: float = knob(
        0.1, 0, 0.5, "How far colors may turn around the color wheel; 0.5 lets red become any color, and color stops being a clue.", live=True
    )
    grayscale_probability: float = knob(
        0.2, 0, 1, "How often a view loses its color altogether, so that shape has to be enough.", live=True
    )
    blur_probability: float = knob(
        0, 0, 1, "How often a view is blurred, which hides fine texture. Small images have little to lose, so it starts at 0.", live=True
    )
    solarize_probability: float = knob(
        0, 0, 1, "How often the bright half of a view is inverted, so that brightness cannot be relied on.", live=True
    )
