/** Operations of this priority and below (10 is an interruption notice) may use the reserved slots. */
export const urgentPriorityMax = 10

export interface Slots {
  /** Slots that an operation of any priority may take now. */
  freeForAny(): number
  freeForUrgent(): number
  /** Slots that urgent operations have taken. */
  takenByUrgent(): number
  /** Takes a slot; the answer gives it back, and does nothing the second time. */
  take(priority: number): () => void
}

/** `urgentSlots` of `total` are never taken by work that can wait. */
export function createSlots(total: number, urgentSlots = Math.floor(total / 4)): Slots {
  if (total < 1 || urgentSlots < 0 || urgentSlots >= total) throw new RangeError(`${urgentSlots} urgent slots of ${total} leave none for other work`)
  let taken = 0
  let takenByOthers = 0
  return {
    freeForAny: () => Math.max(0, Math.min(total - taken, total - urgentSlots - takenByOthers)),
    freeForUrgent: () => Math.max(0, total - taken),
    takenByUrgent: () => taken - takenByOthers,
    take(priority) {
      const other = priority > urgentPriorityMax ? 1 : 0
      taken++
      takenByOthers += other
      let isTaken = true
      return () => {
        if (!isTaken) return
        isTaken = false
        taken--
        takenByOthers -= other
      }
    },
  }
}
