"""Definitions of what the Evaluation page shows."""

from __future__ import annotations

from playground.definitions import CATALOG, Definition

TABLE: dict[str, tuple[str, ...]] = {
    # name: title, good, meaning, formula, unit, source
    "evaluation/labels": (
        "Accuracy by share of the labels",
        'above "From scratch": pretraining has paid',
        "The share of test images that are named rightly by a probe that was given only a part of the labels.",
        "right answers / test images, as the mean over seeds; the bar reaches sqrt(s^2 + t^2) up and down, with s from the mean to the "
        "highest or lowest seed, and t from the mean to the end of Wilson's 95 % interval for so many test images; mean over classes: "
        "the mean of each class's own share",
        "share, from 0 to 100 %",
        "Chen et al., 2020, section 4.2 and appendix B.8; interval: Wilson, 1927; squares added: Newcombe, 1998, method 10; "
        "mean over classes: Brodersen et al., 2010",
    ),
    "evaluation/test": (
        "Test",
        "",
        "On which images a probe is tested: clean ones, images that an operator has changed with some strength, or another data set.",
        "strength: the number of the operator at its strongest x the part of it that is applied",
        "blur: pixels of sigma; noise: deviation, of pixels from 0 to 1; jitter: strength; shift: share of the side",
        "Hendrycks and Dietterich, 2019",
    ),
    "evaluation/share": (
        "Labels",
        "few labels and a high accuracy: the features make them go far",
        "The part of the labels that a probe was given, and how many labels that is.",
        "labels given / labels that a seed may use",
        "share, from 0 to 100 %, and labels",
        "Chen et al., 2020, section 4.2",
    ),
    "evaluation/bar": (
        "Bar",
        "short; bars that do not overlap: more than luck",
        "Between which values the accuracy would lie with other seeds and other test images.",
        "mean - d to mean + d, d = sqrt(s^2 + t^2) on each side, with s from the mean to the farthest seed, and t from the mean to the end "
        "of Wilson's 95 % interval for so many test images",
        "share, from 0 to 100 %",
        "Wilson, 1927; squares added: Newcombe, 1998, method 10",
    ),
    "evaluation/seeds": (
        "Seeds",
        "near each other: it hardly matters which labels were drawn",
        "The lowest and the highest accuracy of all seeds; each has its own labels, order and initial weights.",
        "the smallest and the largest of right answers / test images",
        "share, from 0 to 100 %",
        "none: counted",
    ),
    "evaluation/balanced": (
        "Mean over classes",
        "near the accuracy: rare classes are known, too",
        "The accuracy if all classes were equally frequent in the test; only where they are not.",
        "mean over classes of right answers / test images of the class",
        "share, from 0 to 100 %",
        "Brodersen et al., 2010",
    ),
    "evaluation/confusion": (
        "Who is mistaken for whom",
        "bright on the diagonal: each class is known",
        "What the linear probe with the most labels says of the test images of each class.",
        "test images of the row's class that are called the column's / test images of the row's class",
        "share of the row, from 0 to 1",
        "none: counted",
    ),
    "evaluation/robustness": (
        "Robustness",
        "flat: the features hold under what was done to the images",
        "Accuracy of probes that were fitted on clean images, on test images that are changed ever more strongly.",
        "right answers / test images (2,048 of them at most), at each strength; bars as of the accuracy by share of the labels",
        "share, from 0 to 100 %",
        "Hendrycks and Dietterich, 2019",
    ),
    "evaluation/transfer": (
        "Transfer",
        "higher than an untrained network: what was learned helps elsewhere",
        "Accuracy of a linear probe on another data set, on frozen features that never saw it.",
        "right answers / test images; bars as of the accuracy by share of the labels",
        "share, from 0 to 100 %",
        "Kornblith et al., 2019: Do Better ImageNet Models Transfer Better?",
    ),
    "evaluation/losses": (
        "Pretext loss against accuracy",
        "a low loss is not a good representation",
        "Every run on these images: the loss it ended with, and how well its features tell the chosen factor.",
        "across: mean loss of the last 20 steps; up: live k-NN among the watched images, or a linear probe's on test images",
        "across: the method's own; up: share, from 0 to 1",
        "none: counted",
    ),
}


CATALOG.update({name: Definition(*parts) for name, parts in TABLE.items()})
