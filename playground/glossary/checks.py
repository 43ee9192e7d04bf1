"""Definitions of numbers that only the collapse judge uses: they appear in its table of checks and nowhere else."""

from __future__ import annotations

from playground.definitions import CATALOG, Definition

ACCURACY = "accuracy, from -1 to 1"
OF_RANGE = "share of the range of a pixel, from 0 to 1"
TABLE: dict[str, tuple[str, ...]] = {
    # name: title, good, meaning, formula, unit, source
    "check/entropy": (
        "Entropy of one image's assignment, of ln K",
        "below the limit: images differ in their bins; 1: every image is spread evenly over all bins",
        "The mean entropy of one image's distribution over the K bins, as a share of the largest possible entropy.",
        "mean over images of -sum p ln p, divided by ln K",
        "share of ln K, from 0 to 1",
        "Shannon, 1948",
    ),
    "check/rise of the loss": (
        "Rise of the loss",
        "below the limit; above it, the training diverges",
        "How far the loss has risen above its start, or above the loss of a guess if that is higher, compared with its height there.",
        "(loss now - b) / max(min(b - l, (h - b) / 3), 0.1), with b the loss at the start or that of a guess, whichever is higher, and l "
        "and h the lowest and the highest value that the loss can have",
        "times",
        "our own",
    ),
    "check/gain of k-NN": (
        "Gain of k-NN",
        "above the limit: labels are predicted better than with random weights",
        "How much higher the live k-NN accuracy is than with random weights.",
        "live k-NN accuracy now - live k-NN accuracy at step 0; the limit: the larger of 0.05 and two standard errors of the difference",
        ACCURACY,
        "k-NN: Wu et al., 2018, section 3.4; the limit is our own",
    ),
    "check/fall of k-NN": (
        "Fall of k-NN",
        "below the limit; above it, the features have become worse",
        "How much lower the live k-NN accuracy is than with random weights.",
        "live k-NN accuracy at step 0 - live k-NN accuracy now",
        ACCURACY,
        "k-NN: Wu et al., 2018, section 3.4; the limit is our own",
    ),
    "check/growth of the variance explained": (
        "Growth of the variance explained",
        "above the limit: the features represent this factor more than before",
        "The share of the features' variance that a factor explains, divided by the share with random weights.",
        "explained variance now / explained variance at step 0",
        "times",
        "our own",
    ),
    "check/difference of two pictures": (
        "Difference of two images",
        "above the limit; below it, all images are the same",
        "The difference between a pixel of one image and the same pixel of another, over all probe images.",
        "sqrt(2 x mean variance of a pixel over the images)",
        OF_RANGE,
        "our own",
    ),
    "check/share of different pictures": (
        "Share of different images",
        "above the limit; below it, nearly all are copies",
        "The share of the probe images that differ from all others in at least one pixel.",
        "different images / images",
        "share, from 0 to 1",
        "none: counted",
    ),
    "check/detail within a picture": (
        "Detail within an image",
        "above the limit; below it, images are empty",
        "The standard deviation of the pixels of one image, on average over the probe images.",
        "mean over images of sqrt(mean (x - mean)^2) of their pixels x",
        OF_RANGE,
        "our own",
    ),
}


CATALOG.update({name: Definition(*parts) for name, parts in TABLE.items()})
