import type { Ask } from './call-kit.ts'

/** Cloud DNS's record set, as far as it is used here: `dns/v1` of its REST reference. */
export interface RecordSet {
  readonly kind?: string
  readonly name: string
  readonly type: string
  /** Seconds. */
  readonly ttl?: number
  readonly rrdatas?: readonly string[]
  readonly signatureRrdatas?: readonly string[]
  readonly routingPolicy?: {
    readonly kind?: string
    readonly wrr?: { readonly kind?: string; readonly items?: readonly WeightedItem[] }
  }
}
export interface WeightedItem {
  readonly kind?: string
  readonly weight: number
  readonly rrdatas?: readonly string[]
  readonly signatureRrdatas?: readonly string[]
}
/** A change deletes what it replaces; deletions have to be exactly what is there, or it is refused with 412. */
export interface Change {
  readonly additions?: readonly RecordSet[]
  readonly deletions?: readonly RecordSet[]
  readonly startTime?: string
  readonly status?: string
}

const timeoutMs = 30_000
const recentChanges = 50

export const dnsCalls = (project: string, ask: Ask) => {
  const at = (zone: string): string => `/dns/v1/projects/${encodeURIComponent(project)}/managedZones/${encodeURIComponent(zone)}`
  return {
    getRecordSet: async (zone: string, name: string, type: string) =>
      (await ask('read', 'dns', {
        method: 'GET',
        path: `${at(zone)}/rrsets/${encodeURIComponent(name)}/${encodeURIComponent(type)}`,
        timeoutMs,
      })) as RecordSet, // Google's answer
    /** Newest first, as many as one page holds. */
    listChanges: async (zone: string): Promise<readonly Change[]> => {
      const query = `maxResults=${recentChanges}&sortBy=changeSequence&sortOrder=descending`
      const answer = (await ask('read', 'dns', { method: 'GET', path: `${at(zone)}/changes?${query}`, timeoutMs })) as { changes?: Change[] } // the same
      return answer.changes ?? []
    },
    createChange: async (zone: string, change: Pick<Change, 'additions' | 'deletions'>, signal?: AbortSignal): Promise<void> => {
      // Repeating it is refused, since what it would delete is gone: reading again shows that it has been done.
      await ask('repeatable', 'dns', { method: 'POST', path: `${at(zone)}/changes`, body: change, timeoutMs, signal })
    },
  }
}
