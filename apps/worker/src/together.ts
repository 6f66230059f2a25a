const documentsMax = 500

interface Waiting {
  readonly documents: readonly unknown[]
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/**
 * Queues hand out ten documents at a time. What all pollers of an account have received while one transaction is under way goes together
 * into the next. When such a batch fails, each part is tried alone, so that one document that cannot be stored does not keep back the others.
 */
export function together(
  ingest: (documents: readonly unknown[]) => Promise<unknown>,
  onReceived: () => void,
): (documents: readonly unknown[]) => Promise<void> {
  let waiting: Waiting[] = []
  let isRunning = false

  const settle = async (batch: readonly Waiting[]): Promise<void> => {
    try {
      await ingest(batch.flatMap(({ documents }) => documents))
      onReceived()
      for (const { resolve } of batch) resolve()
    } catch (error) {
      if (batch.length > 1) for (const part of batch) await settle([part])
      else for (const { reject } of batch) reject(error)
    }
  }
  const nextBatch = (): readonly Waiting[] => {
    const batch: Waiting[] = []
    let count = 0
    for (const part of waiting) {
      if (batch.length > 0 && count + part.documents.length > documentsMax) break
      batch.push(part)
      count += part.documents.length
    }
    waiting = waiting.slice(batch.length)
    return batch
  }
  const run = async (): Promise<void> => {
    isRunning = true
    while (waiting.length > 0) await settle(nextBatch())
    isRunning = false
  }
  return (documents) =>
    new Promise((resolve, reject) => {
      waiting.push({ documents, resolve, reject })
      if (!isRunning) void run()
    })
}
