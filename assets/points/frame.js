// Frames of a map as the server sends them: packed numbers -> places in space.

/**
 * A binary answer: four bytes that say how long its JSON is, the JSON, and the places as 16-bit steps between the lowest and the
 * highest of each axis. `playground/web/frames.py` writes it.
 * @param {ArrayBuffer} buffer
 * @returns {{ facts: any, places: Float32Array & { shape: number[] } }} facts: shape, low, high, and what else is known of the frame
 */
export function readFrame(buffer) {
  const length = new DataView(buffer).getUint32(0, true)
  const facts = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)))
  const [count, dimensions] = facts.shape
  const steps = new Uint16Array(buffer.slice(4 + length, 4 + length + 2 * count * dimensions))
  const unit = facts.low.map((low, axis) => (facts.high[axis] - low) / 65535)
  const places = Float32Array.from(steps, (step, i) => facts.low[i % dimensions] + step * unit[i % dimensions])
  return { facts, places: Object.assign(places, { shape: [count, dimensions] }) }
}

/**
 * (N, 2) or (N, 3) -> (N, 3): what is flat lies at depth zero. What is no number stands in the middle.
 * @param {ArrayLike<number>} values flattened
 * @param {number} dimensions
 */
export function spatial(values, dimensions) {
  const count = values.length / dimensions
  const frame = new Float32Array(3 * count)
  for (let i = 0; i < count; i++) for (let axis = 0; axis < dimensions; axis++) frame[3 * i + axis] = values[dimensions * i + axis] || 0
  return frame
}
