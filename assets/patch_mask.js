// Which patches are hidden, as text for addresses: four patches a hexadecimal digit, the first the highest bit.

/**
 * [true, false, false, false, ...] -> "8..".
 * @param {boolean[]} hidden
 */
export function hex(hidden) {
  let text = ""
  for (let i = 0; i < hidden.length; i += 4) text += [0, 1, 2, 3].reduce((sum, j) => 2 * sum + (hidden[i + j] ? 1 : 0), 0).toString(16)
  return text
}

/**
 * "8.." -> [true, false, false, false, ...], of `count` patches.
 * @param {string} text
 * @param {number} count
 */
export function bits(text, count) {
  return Array.from({ length: count }, (_, i) => Boolean((parseInt(text[i >> 2], 16) >> (3 - (i & 3))) & 1))
}
