"""Maps of an embedding, and the process that makes those which take long.

layouts.py     PCA, UMAP and t-SNE: features in, points out
process.py     the process: `python -m playground.projection`
projector.py   who keeps it
"""

from playground.projection.layouts import Axes, exact_neighbors, pca, principal_axes, procrustes, tsne_layout, umap_layout
from playground.projection.projector import PACKAGE, Projector

__all__ = ["PACKAGE", "Axes", "Projector", "exact_neighbors", "pca", "principal_axes", "procrustes", "tsne_layout", "umap_layout"]
