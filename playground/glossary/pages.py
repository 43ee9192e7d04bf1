"""Definitions of the numbers on pages that no diagnostic and no method defines: times, images with numbers, maps, masks, data."""

from __future__ import annotations

from playground.definitions import CATALOG, Definition

TABLE: dict[str, tuple[str, ...]] = {
    # name: title, good, meaning, formula, unit, source
    "loss": (
        "Loss",
        "depends on the method: see the curve of a run",
        "The quantity that the training minimizes, on the batch of each step. Losses of different methods cannot be compared.",
        "the method's equation, shown on the Train page below the title of the curve",
        "the method's own",
        "the method's paper",
    ),
    "step": ("Step", "", "The number of weight updates so far, and in total.", "a count", "updates", "none: counted"),
    "time left": (
        "Time left",
        "",
        "How long the run will still take on this machine. It is shown as soon as it can be estimated.",
        "steps left x seconds per step + measurements left x seconds per measurement, estimated from about the last 12 s of training",
        "seconds, minutes or hours",
        "none: a clock",
    ),
    "views_per_second": (
        "Speed",
        "high",
        "The number of views that the network is trained on per second; time for measurements is not counted.",
        "steps x views per step / seconds of training, since the run began",
        "views per second",
        "none: a clock",
    ),
    "verdict": (
        "Verdict of the collapse judge",
        "healthy, or a failure with its evidence",
        "The state of the representation, by rules with thresholds. Each rule is listed with its value below the sentence.",
        "a rule holds if its values are beyond their limits, and the first rule that holds gives the verdict; unclear: a value lies "
        "between the two edges of its limit, or the accuracy is not higher than with random weights",
        "none",
        "our own; how often it is right is measured by `ssl-playground judge`",
    ),
    "spread": (
        "Spread",
        "near 1: features are spread over the whole sphere; 0: one point",
        "The feature std of a layer, divided by that of features spread over the whole sphere.",
        "feature std x sqrt(D), with D the dimensions of the layer",
        "share of 1/sqrt(D), from 0 to 1",
        "Chen and He, 2021, section 4.1",
    ),
    "rank": (
        "Effective rank",
        "high: images differ in many directions",
        "RankMe of the centered features, compared with the number of dimensions.",
        "exp(-sum p ln p), with p the singular values of the centered features divided by their sum",
        "dimensions, from 1 to min(N - 1, D)",
        "Garrido et al., 2023, equation 1, on centered features",
    ),
    "plane": (
        "Alignment and uniformity",
        "down and to the left: views agree, and images are spread out",
        "Two measures of the representation and their course over the run: two views of one image close together, all images spread out.",
        "horizontal: mean |u - v|^2 of two views of one image; vertical: ln mean exp(-2 |u - v|^2) of two "
        "images; features divided by length",
        "none; alignment from 0 to 4, uniformity from -8 to 0",
        "Wang and Isola, 2020, section 4.1 and figure 4",
    ),
    "map": (
        "Map of the probe set",
        "groups of one color or one shape: their features are similar",
        "Each probe image as a point: images with similar features lie close together. The axes have no meaning of their own.",
        "PCA: the two directions of largest variance; UMAP: a layout that keeps each image's nearest neighbors near",
        "none",
        "PCA: Pearson, 1901; UMAP: McInnes et al., 2018",
    ),
    "map/kept": (
        "Quality of this map",
        "high: points that are close on the map also have similar features",
        "How far this map, which shows many dimensions in two or three, can be trusted; the value is given below the map.",
        "PCA: the variance along each axis / all variance; neighbors: the share of each image's ten nearest by cosine of the features "
        "that are among its ten nearest on the map, too, as a mean over at most 1,000 images",
        "shares, from 0 to 100%",
        "PCA: Pearson, 1901; UMAP: McInnes et al., 2018; t-SNE: van der Maaten and Hinton, 2008; shares: counted",
    ),
    "map/clusters": (
        "Clusters",
        "agreement near 1: the clusters are the classes; silhouette near 1: tight and far apart",
        "Groups of images with similar features, found by k-means without labels; their agreement with the labels is given below the map.",
        "agreement: adjusted mutual information of clusters and labels; silhouette: mean of (b - a) / max(a, b), with a the mean distance "
        "to images of the same cluster and b to those of the nearest other one",
        "none; agreement up to 1, silhouette from -1 to 1",
        "Vinh et al., 2010; Rousseeuw, 1987",
    ),
    "map/lasso": (
        "In the lasso",
        "a share above the mark: this class is more frequent in the lasso than on the whole map",
        "The images in the lasso, and the share of each class; the mark shows its share on the whole map.",
        "images of the class in the lasso / labeled images in the lasso",
        "images; share, from 0 to 100%",
        "none: counted",
    ),
    "map/landing": (
        "Position of a new image",
        "close to images that look similar to you, too",
        "The position of an image that is not on the map, at every stored step, and the similarity of its nearest neighbors there.",
        "PCA: its features along the axes of the map; UMAP, t-SNE: the mean position of its ten nearest neighbors, weighted by similarity; "
        "similarity: cosine u . v / (|u| |v|) of two features",
        "none; similarity from -1 to 1",
        "our own",
    ),
    "task": (
        "Pretext task",
        "better than the dashed line, the trivial solution",
        "How well the method solves the task that it trains on, on held-out images.",
        "the method's own",
        "the method's own",
        "the method's paper",
    ),
    "overlap": (
        "Overlap of two crops",
        "large: an easy task; small: the network must recognize an image by its parts",
        "How much of the image two crops share, over many random draws.",
        "area that both crops cover / area that at least one covers; dashed: the mean",
        "share, from 0 to 1",
        "Jaccard, 1901 (intersection over union)",
    ),
    "overlap/map": (
        "Where both crops overlap",
        "",
        "How often a position in the image lies in both views, over many random draws.",
        "draws in which both crops cover the position / all draws",
        "share of the draws, from 0 to 1",
        "none: counted",
    ),
    "augmentation-probes": (
        "Factor accuracy on the views",
        "high: a network could use the factor; at chance: the augmentation has removed it",
        "The accuracy of predicting a factor from augmented views, by live k-NN or a linear probe, on pixels "
        "or features of an untrained network.",
        "share of correct predictions; dotted: always predicting the most frequent class",
        "share, from 0 to 1",
        "k-NN: Wu et al., 2018, section 3.4; linear probe: Alain and Bengio, 2017",
    ),
    "invariance": (
        "Invariance profile",
        "flat and high: the encoder is invariant to the operator",
        "The similarity of the embeddings of an image before and after one operator, with increasing strength.",
        "mean over images of cos(f(image) - m, f(changed) - m), with m the mean embedding of the images",
        "cosine, from -1 to 1",
        "Ericsson et al., 2022, section 3.1",
    ),
    "crop share": (
        "Views",
        "",
        "Each view with the exact parameters of its random draw: the share of the image in its crop, the color factors, the change of hue.",
        "share = width x height of the crop / the image; factors multiply the color; the change of hue is a part of the color circle",
        "share of the image; times; turns",
        "Chen et al., 2020, appendix A",
    ),
    "mask/ratio": (
        "Hidden patches",
        "",
        "The number of patches of the image that the network does not see.",
        "hidden patches / patches of the image",
        "patches; share, from 0 to 100%",
        "He et al., 2022, section 3",
    ),
    "patch error": (
        "Error of a patch",
        "dark: reconstructed well",
        "The difference between the reconstruction of a hidden patch and the image.",
        "the method's own error, such as the mean over pixels of (reconstruction - image)^2",
        "the method's own: squared pixel values, squared histograms, or nats",
        "the method's paper",
    ),
    "ratio error": (
        "Error at each ratio",
        "low, and rising late: the visible patches still predict the hidden ones",
        "The error over the hidden patches of one image, for increasing masking ratios.",
        "mean over hidden patches of the error of a patch",
        "the method's own, as for a patch",
        "He et al., 2022, figure 5, on masking ratios",
    ),
    "attention": (
        "Attention",
        "bright: high attention weight",
        "The attention weights of one patch to all patches in the last block of the network, for each head.",
        "softmax(q k / sqrt(d)) over all patches",
        "share, from 0 to 1; the sum is 1",
        "Vaswani et al., 2017, equation 1",
    ),
    "neighbor": (
        "Nearest neighbors",
        "near 1: their features are nearly equal",
        "The images with the features most similar to those of the chosen image.",
        "cosine u . v / (|u| |v|) of two features",
        "none, from -1 to 1",
        "Wu et al., 2018, section 3.4",
    ),
    "data/count": (
        "Images of a label",
        "similar for all labels: the classes are balanced",
        "The number of images with this label: for training and, after the +, the held-out probe images.",
        "a count",
        "images",
        "none: counted",
    ),
    "data/numbers": (
        "Pixel values of its images",
        "most values between the dashed lines, and few at either end",
        "The distribution of the values in images of more than 8 bits. Values at or below the left line become "
        "black, those at or above the "
        "right line white.",
        "share = values in the bin / values of a sample of the images",
        "horizontal: the value in the file; vertical: share, from 0 to 100%",
        "none: counted",
    ),
    "data/color": (
        "Mean color and spread",
        "",
        "The mean and the standard deviation of all training pixels, for each channel.",
        "mean and sqrt(mean (x - mean)^2) of the values x of all pixels",
        "color values from 0 to 1",
        "none: counted",
    ),
}


CATALOG.update({name: Definition(*parts) for name, parts in TABLE.items()})
