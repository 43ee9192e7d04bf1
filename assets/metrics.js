// Names of metrics, as playground/metric_names.py writes them: a measure and a factor, "knn/shape"; measures of a layer have no factor,
// and those of other layers than the backbone begin with the layer, "projector/uniformity". Only this file builds or parses these names.

export const LAYERS = ["backbone", "projector"]

export const metric = (measure, factor) => `${measure}/${factor}`

export const factorOf = (name) => name.slice(name.indexOf("/") + 1)

/** Of these names, those of one measure. */
export const ofMeasure = (measure, names) => [...(names ?? [])].filter((name) => name.startsWith(metric(measure, "")))

/** The same factor, by another measure. */
export const measuredBy = (measure, name) => metric(measure, factorOf(name))

export const inLayer = (layer, measure) => (layer === LAYERS[0] ? measure : metric(layer, measure))

/** The name without its layer. */
export const inAnyLayer = (name) => (name.startsWith(metric(LAYERS[1], "")) ? factorOf(name) : name)
