// Work that is done once and whose result all share, unless it fails: then the next who asks tries again.

/**
 * @template T
 * @param {() => Promise<T>} work
 * @returns {() => Promise<T>}
 */
export function once(work) {
  /** @type {Promise<T> | null} */
  let begun = null
  return () => {
    begun ??= work().catch((error) => {
      begun = null
      throw error
    })
    return begun
  }
}
