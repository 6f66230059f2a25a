import { AppError } from '@understudy/core'

const everyMs = 100
const patienceMs = 120_000

/** Looks again and again until something is found; after two minutes throws `deadline_exceeded`, which says what was missing. */
export async function eventually<Found>(what: string, look: () => Promise<Found | undefined>): Promise<Found> {
  const untilMs = performance.now() + patienceMs
  for (;;) {
    const found = await look()
    if (found !== undefined) return found
    if (performance.now() > untilMs) throw new AppError('deadline_exceeded', `Waited ${patienceMs / 1000} s for ${what}, in vain.`)
    await new Promise((resolve) => setTimeout(resolve, everyMs))
  }
}
