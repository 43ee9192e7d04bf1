"""Maps of an embedding, and the process that computes the slow ones.

layouts.py         PCA, UMAP and t-SNE: features in, points out
process.py         the process: `python -m playground.projection`
layout_worker.py   its client in the server
"""

from playground.projection.layout_worker import LayoutWorker
from playground.projection.layouts import Axes, exact_neighbors, pca, principal_axes, procrustes, tsne_layout, umap_layout

__all__ = ["Axes", "LayoutWorker", "exact_neighbors", "pca", "principal_axes", "procrustes", "tsne_layout", "umap_layout"]
