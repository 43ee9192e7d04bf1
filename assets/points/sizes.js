// How large and how opaque points are drawn, by how many there are: CSS px.

/** most: up to so many points; radius of a symbol, side of a picture and its largest, opacity of a symbol. */
const SIZES = [
  { most: 1400, radius: 3.8, picture: 22, largest: 64, opacity: 0.9 },
  { most: 4000, radius: 3, picture: 16, largest: 64, opacity: 0.9 },
  { most: 20_000, radius: 2.3, picture: 12, largest: 32, opacity: 0.78 },
  { most: Infinity, radius: 1.6, picture: 12, largest: 32, opacity: 0.78 },
]
const LEAST = 12 // of a picture
const NARROW = 420 // a canvas on which everything is a little smaller
export const STANDING_BACK = 0.1 // opacity of symbols beside those that stand out
export const BESIDE_PICTURES = 0.16

const sizeFor = (count) => SIZES.find(({ most }) => count <= most) ?? SIZES[0]

/** Of a symbol. */
export const opacityFor = (count) => sizeFor(count).opacity

/** Of a symbol on a canvas so wide. */
export function radiusFor(count, width) {
  return sizeFor(count).radius * (width < NARROW ? 0.8 : 1)
}

/** The side of a picture: nearer ones are larger, so that one comes to see more of them. Steps of 4, each of which is made once. */
export function pictureFor(count, zoom) {
  const { picture, largest } = sizeFor(count)
  return Math.round(Math.min(Math.max(picture * Math.sqrt(Math.max(zoom, 1)), LEAST), largest) / 4) * 4
}
