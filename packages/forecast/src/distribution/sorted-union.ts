/** The values of several ascending lists in one ascending order, kept so while lists come and go: most of the work of sorting them anew is spared. */
export class SortedUnion {
  private kept = new Float64Array(1024)
  private spare = new Float64Array(1024)
  count = 0

  /** The first `count` are the values. To be read only, until the next change. */
  get values(): Float64Array {
    return this.kept
  }

  clear(): void {
    this.count = 0
  }

  /** @param gone a list that was brought before, and is as it was then */
  change(gone: Float64Array, come: Float64Array): void {
    const { kept, count } = this
    const total = count - gone.length + come.length
    if (this.spare.length < total) this.spare = new Float64Array(2 * total)
    const into = this.spare
    let [at, fromGone, fromCome] = [0, 0, 0]
    for (let index = 0; index < count; index++) {
      const value = kept[index]!
      if (fromGone < gone.length && value === gone[fromGone]!) {
        fromGone++
        continue
      }
      while (fromCome < come.length && come[fromCome]! <= value) into[at++] = come[fromCome++]!
      into[at++] = value
    }
    while (fromCome < come.length) into[at++] = come[fromCome++]!
    this.spare = kept
    this.kept = into
    this.count = total
  }
}
