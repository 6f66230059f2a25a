const everyMs = 100
const patienceMs = 120_000

/** Looks again and again until something is found; gives up after two minutes and says what was missing. */
export async function eventually<Found>(what: string, look: () => Promise<Found | undefined>): Promise<Found> {
  const untilMs = Date.now() + patienceMs
  for (;;) {
    const found = await look()
    if (found !== undefined) return found
    if (Date.now() > untilMs) throw new Error(`Waited ${patienceMs / 1000} s for ${what}, in vain.`)
    await new Promise((resolve) => setTimeout(resolve, everyMs))
  }
}
