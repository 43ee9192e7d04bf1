"""Definitions of what the collapse judge weighs beside diagnostics: numbers that stand in its table of checks, and nowhere else."""

from __future__ import annotations

from playground.definitions import CATALOG, Definition

ACCURACY = "accuracy, from -1 to 1"
OF_RANGE = "share of the range of a pixel, from 0 to 1"
TABLE: dict[str, tuple[str, ...]] = {
    # name: title, good, meaning, formula, unit, source
    "check/entropy": (
        "Indecision, of ln K",
        "below the limit: images are told apart; 1: every image is in all bins alike",
        "The mean entropy of how one image is spread over the K bins, as a share of the largest that there is.",
        "mean over images of -sum p ln p, divided by ln K",
        "share of ln K, from 0 to 1",
        "Shannon, 1948",
    ),
    "check/rise of the loss": (
        "Rise of the loss",
        "below the limit; above it the training diverges",
        "How far the loss has risen above its start, or above a guess where that is worse, measured by how large it was there.",
        "(loss now - b) / max(min(b - l, (h - b) / 3), 0.1), with b the loss at the start or that of a guess, whichever is higher, and l "
        "and h the lowest and the highest value that the loss can have",
        "times",
        "our own",
    ),
    "check/gain of k-NN": (
        "Gain of k-NN",
        "above the limit: labels are known better than at random weights",
        "How much more often the neighbors of an image know its label than at random weights, by live k-NN.",
        "live k-NN accuracy now - live k-NN accuracy at step 0; the limit: the larger of 0.05 and two standard errors of the difference",
        ACCURACY,
        "k-NN: Wu et al., 2018, section 3.4; the limit is our own",
    ),
    "check/fall of k-NN": (
        "Fall of k-NN",
        "below the limit; above it the features have become worse",
        "How much less often the neighbors of an image know its label than at random weights, by live k-NN.",
        "live k-NN accuracy at step 0 - live k-NN accuracy now",
        ACCURACY,
        "k-NN: Wu et al., 2018, section 3.4; the limit is our own",
    ),
    "check/growth of the variance explained": (
        "Growth of the variance explained",
        "above the limit: the features have become more about this factor",
        "How many times as much of the variance of the features a factor explains as at random weights.",
        "explained variance now / explained variance at step 0",
        "times",
        "our own",
    ),
    "check/difference of two pictures": (
        "Difference of two pictures",
        "above the limit; below it all pictures are the same",
        "How far a pixel of one picture lies from the same pixel of another, over all watched images.",
        "sqrt(2 x mean variance of a pixel over the images)",
        OF_RANGE,
        "our own",
    ),
    "check/share of different pictures": (
        "Share of different pictures",
        "above the limit; below it nearly all are copies",
        "How many of the watched images differ from all others in a pixel at least.",
        "different images / images",
        "share, from 0 to 1",
        "none: counted",
    ),
    "check/detail within a picture": (
        "Detail within a picture",
        "above the limit; below it there is nothing to see",
        "How far the pixels of one picture lie from their mean, on average over the watched images.",
        "mean over images of sqrt(mean (x - mean)^2) of their pixels x",
        OF_RANGE,
        "our own",
    ),
}


CATALOG.update({name: Definition(*parts) for name, parts in TABLE.items()})
