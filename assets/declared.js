// What Python declares and the scripts use as it is: what every number means, and the kinds of map.

import { request } from "./api.js"

const { ok, body } = await request(new URL("declared.json", import.meta.url).href)

/** @type {{ metrics: Record<string, any>, maps: Record<string, { title: string, caution: string, needs: string, slow: boolean, round: boolean }> }} */
const declared = ok ? body : { metrics: {}, maps: {} }
export const DEFINITIONS = declared.metrics
export const MAP_KINDS = declared.maps
