"""Definitions of the numbers on the Evaluation page."""

from __future__ import annotations

from playground.definitions import CATALOG, Definition

TABLE: dict[str, tuple[str, ...]] = {
    # name: title, good, meaning, formula, unit, source
    "evaluation/labels": (
        "Test accuracy by labels used",
        'above "From scratch": pretraining helps',
        "The test accuracy of a probe that was trained with only a part of the labels.",
        "correct predictions / test images, as the mean over seeds; the bar reaches sqrt(s^2 + t^2) up and "
        "down, with s from the mean to the "
        "highest or lowest seed, and t from the mean to the end of Wilson's 95% interval for this number of "
        "test images; mean over classes: "
        "the mean of the accuracies of all classes",
        "share, from 0 to 100%",
        "Chen et al., 2020, section 4.2 and appendix B.8; interval: Wilson, 1927; squares added: Newcombe, 1998, method 10; "
        "mean over classes: Brodersen et al., 2010",
    ),
    "evaluation/test": (
        "Test",
        "",
        "The images on which a probe is tested: clean images, images changed by an operator of some strength, or another dataset.",
        "strength: the maximum of the operator's parameter x the part of it that is applied",
        "blur: sigma in pixels; noise: standard deviation, for pixels from 0 to 1; jitter: strength; shift: share of the side",
        "Hendrycks and Dietterich, 2019",
    ),
    "evaluation/share": (
        "Labels",
        "a high accuracy with few labels: the features are useful",
        "The share of the labels that a probe was trained with, and their number.",
        "labels used / labels available to a seed",
        "share, from 0 to 100%, and labels",
        "Chen et al., 2020, section 4.2",
    ),
    "evaluation/bar": (
        "Bar",
        "short; bars that do not overlap: more than chance",
        "The range in which the accuracy would lie with other seeds and other test images.",
        "mean - d to mean + d, d = sqrt(s^2 + t^2) on each side, with s from the mean to the farthest seed, and t from the mean to the end "
        "of Wilson's 95% interval for this number of test images",
        "share, from 0 to 100%",
        "Wilson, 1927; squares added: Newcombe, 1998, method 10",
    ),
    "evaluation/seeds": (
        "Seeds",
        "close together: the choice of labels hardly matters",
        "The lowest and the highest accuracy of all seeds; each seed has its own labels, order and initial weights.",
        "minimum and maximum of correct predictions / test images",
        "share, from 0 to 100%",
        "none: counted",
    ),
    "evaluation/balanced": (
        "Mean over classes",
        "close to the accuracy: rare classes are predicted well, too",
        "The accuracy if all classes were equally frequent in the test; shown only if they are not.",
        "mean over classes of correct predictions / test images of the class",
        "share, from 0 to 100%",
        "Brodersen et al., 2010",
    ),
    "evaluation/confusion": (
        "Confusion matrix",
        "bright on the diagonal: each class is predicted correctly",
        "The predictions of the linear probe with the most labels for the test images of each class.",
        "test images of the row's class that are predicted as the column's / test images of the row's class",
        "share of the row, from 0 to 1",
        "none: counted",
    ),
    "evaluation/robustness": (
        "Robustness",
        "flat: the features are robust to the changes of the images",
        "Accuracy of probes that were fitted on clean images, on test images that are changed more and more strongly.",
        "correct predictions / test images (at most 2,048), at each strength; bars as for the test accuracy by labels used",
        "share, from 0 to 100%",
        "Hendrycks and Dietterich, 2019",
    ),
    "evaluation/transfer": (
        "Transfer",
        "higher than for an untrained network: the features help on other data",
        "Accuracy of a linear probe on another dataset, with frozen features that were not trained on it.",
        "correct predictions / test images; bars as for the test accuracy by labels used",
        "share, from 0 to 100%",
        "Kornblith et al., 2019: Do Better ImageNet Models Transfer Better?",
    ),
    "evaluation/losses": (
        "Pretext loss against accuracy",
        "a low loss is not a good representation",
        "Every run on this dataset: its final loss, and the accuracy of its features for the chosen factor.",
        "horizontal: mean loss of the last 20 steps; vertical: live k-NN accuracy on the probe images, or "
        "linear probe accuracy on test images",
        "horizontal: the method's own; vertical: share, from 0 to 1",
        "none: counted",
    ),
}


CATALOG.update({name: Definition(*parts) for name, parts in TABLE.items()})
