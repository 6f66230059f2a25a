import { providerError } from '../provider-error.ts'

/** Members of a set by their devices, in the order of the set; all of them where none are named. Throws `not_found` for one that it lacks. */
export function chosenOf<Member>(members: readonly Member[], deviceOf: (member: Member) => string, devices?: readonly string[]): readonly Member[] {
  if (devices === undefined) return members
  const missing = devices.filter((device) => !members.some((member) => deviceOf(member) === device))
  if (missing.length > 0) throw providerError('not_found', 'SnapshotSet.NoSuchDevice', `The snapshot set has no ${missing.join(', ')}.`)
  return members.filter((member) => devices.includes(deviceOf(member)))
}
