import type { UnderstudyClient } from '@understudy/contract/client'

/** Prints an operation's timeline, in seconds since the notice. */
export async function printTimeline(client: UnderstudyClient, operationId: string, noticedMs: number, say: (line: string) => void): Promise<void> {
  const { data } = await client.GET('/v1/operations/{id}', { params: { path: { id: operationId } } })
  if (!data) return
  say('  seconds   step')
  say('     0.00   notice: the cloud announces the interruption')
  for (const step of data.metadata.steps ?? []) {
    if (step.finishedAt === undefined) continue
    const seconds = ((Date.parse(step.finishedAt) - noticedMs) / 1000).toFixed(2).padStart(9)
    say(`${seconds}   ${step.name}: ${step.title}${step.status === 'skipped' ? ' (not needed)' : ''}`)
  }
  say('')
}
