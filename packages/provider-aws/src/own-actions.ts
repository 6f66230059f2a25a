import type { Clock } from '@understudy/core'

const rememberedForMs = 15 * 60_000
const pruneAt = 5_000

/**
 * Instances that this process stopped or ended lately. EC2 says `Client.UserInitiatedShutdown` for our own calls and for those
 * of a person alike; a process that was restarted in between has forgotten, and then says `user`.
 */
export interface OwnActions {
  note(nativeId: string): void
  isOurs(nativeId: string): boolean
}

export function ownActions(clock: Clock): OwnActions {
  const notedAt = new Map<string, number>()
  const isOurs = (nativeId: string): boolean => {
    const atMs = notedAt.get(nativeId)
    if (atMs !== undefined && clock.nowMs() - atMs < rememberedForMs) return true
    notedAt.delete(nativeId)
    return false
  }
  return {
    isOurs,
    note(nativeId) {
      if (notedAt.size >= pruneAt) for (const known of notedAt.keys()) isOurs(known)
      notedAt.set(nativeId, clock.nowMs())
    },
  }
}
