// Arrays as the server sends them.

/** @typedef {Float32Array & { shape: number[] }} Shaped */

/** Arrays come as lists or as { dtype: "float32", shape, data: base64 }. */
export function decode(body) {
  const arrays = {}
  for (const [name, value] of Object.entries(body.arrays ?? body)) {
    arrays[name] = value?.data && value.shape ? unpack(value) : value
  }
  return arrays
}

/**
 * { shape, data: base64 of float32 } -> a Float32Array with that shape.
 * @param {{ data: string, shape: number[] }} packed
 * @returns {Shaped}
 */
export function unpack({ data, shape }) {
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0))
  return Object.assign(new Float32Array(bytes.buffer), { shape })
}

/**
 * (rows, columns), packed -> a list a row.
 * @param {{ data: string, shape: number[] }} packed
 */
export function rowsOf(packed) {
  const values = unpack(packed)
  const [rows, columns] = values.shape
  return Array.from({ length: rows }, (_, i) => Array.from(values.subarray(i * columns, (i + 1) * columns)))
}
