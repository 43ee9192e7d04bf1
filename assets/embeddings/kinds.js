// The kinds of map, as Python declares them.

import { MAP_KINDS } from "../declared.js"

export const KINDS = Object.keys(MAP_KINDS)

export const titleOf = (kind) => MAP_KINDS[kind]?.title ?? kind.toUpperCase()

/** How it is to be read. */
export const cautionOf = (kind) => MAP_KINDS[kind]?.caution ?? ""

/** What a layer must be for it; nothing where every layer is. */
export const needsOf = (kind) => MAP_KINDS[kind]?.needs ?? ""

/** Laid out for seconds: meanwhile the PCA of the same step is shown. */
export const isSlow = (kind) => Boolean(MAP_KINDS[kind]?.slow)

/** All points lie on a circle or a sphere of radius 1. */
export const isRound = (kind) => Boolean(MAP_KINDS[kind]?.round)
