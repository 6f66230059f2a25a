/** The newest so many errors of one step ahead: in the order in which they came, and by size. */
export class RecentErrors {
  private readonly ring: Float64Array
  private next = 0
  private sorted: Float64Array | undefined
  count = 0

  constructor(size: number) {
    this.ring = new Float64Array(size)
  }

  /** Pushes out the oldest when it is full. */
  add(error: number): void {
    const { ring, sorted } = this
    const isFull = this.count === ring.length
    if (!isFull) this.count++
    if (sorted !== undefined) place(sorted, this.count, isFull ? firstNotBelow(sorted, ring[this.next]!) : this.count - 1, error)
    ring[this.next] = error
    this.next = (this.next + 1) % ring.length
  }

  /** From the oldest on, but for the ring's seam. */
  inTime(): Float64Array {
    return this.ring.subarray(0, this.count)
  }

  /** Ascending. Sorted once, and kept so by every error that comes. */
  bySize(): Float64Array {
    if (this.sorted === undefined) {
      this.sorted = new Float64Array(this.ring.length)
      this.sorted.set(this.ring.slice(0, this.count).sort())
    }
    return this.sorted.subarray(0, this.count)
  }
}

/** Puts `value` where it belongs among the first `count` ascending ones, in place of the one at `hole`. */
function place(sorted: Float64Array, count: number, hole: number, value: number): void {
  let at = hole
  while (at > 0 && sorted[at - 1]! > value) {
    sorted[at] = sorted[at - 1]!
    at--
  }
  while (at + 1 < count && sorted[at + 1]! < value) {
    sorted[at] = sorted[at + 1]!
    at++
  }
  sorted[at] = value
}

/** Where the first of the ascending values is that is not below `value`. */
function firstNotBelow(sorted: Float64Array, value: number): number {
  let [low, high] = [0, sorted.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (sorted[middle]! < value) low = middle + 1
    else high = middle
  }
  return low
}
