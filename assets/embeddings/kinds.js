// The kinds of map: their names, and how each is to be read.

const NEIGHBORLY = "by neighbors: distances between groups, and sizes of groups, mean little."
const SHADOW = "PCA is a straight shadow: what overlaps here may be far apart in other directions."

export const KINDS = { umap: "UMAP", pca: "PCA", pca3: "PCA 3-D", tsne: "t-SNE", sphere: "Sphere" }
export const CAUTIONS = {
  umap: `Read UMAP ${NEIGHBORLY}`,
  tsne: `Read t-SNE ${NEIGHBORLY}`,
  pca: SHADOW,
  pca3: `${SHADOW} Drag to turn it.`,
  sphere: "No projection: this is the space itself, every output at length 1.",
}
