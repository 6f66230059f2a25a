import type { UnderstudyClient } from '@understudy/contract/client'
import { dataOf } from '@understudy/contract/client'

/** One line of the timeline; the moment is when it was done. */
export const timelineLine = (sinceNoticeMs: number, name: string, text: string): string =>
  `  ${(sinceNoticeMs / 1000).toFixed(2).padStart(8)} s   ${name.padEnd(13)}${text}`

/** Prints what an operation has done, in seconds since the notice. */
export async function printTimeline(client: UnderstudyClient, operationId: string, noticedMs: number, say: (line: string) => void): Promise<void> {
  const { metadata } = await dataOf(client.GET('/v1/operations/{id}', { params: { path: { id: operationId } } }))
  for (const step of metadata.steps ?? []) {
    if (step.finishedAt === undefined || step.status === 'skipped') continue
    const outcome = step.status === 'succeeded' ? '' : ` (${step.status})`
    say(timelineLine(Date.parse(step.finishedAt) - noticedMs, names[step.name] ?? step.name, `${step.title}${outcome}`))
  }
}

/** What people call the steps that they care about most. */
const names: Readonly<Record<string, string>> = { traffic: 'redirect', promoted: 'promotion', replenished: 'replenish', standin: 'stand-in' }
