import { join } from 'node:path'
import { startHelper } from './child.ts'
import { credentials } from './estate.ts'
import { openFloorQueue } from './floor-queue.ts'
import type { FloorJob, FloorSettings } from './floor-queue.ts'
import type { Installation } from './installation.ts'
import type { SeededPair } from './protocol.ts'

export interface Floor {
  /** One job for each; it sets the weights that the listener has already, so that nothing moves. */
  add(pairs: readonly SeededPair[]): Promise<void>
  stop(): Promise<void>
}

/** The least that could be done, on the same queue backend, the same database and the same region. */
export async function startFloor(installation: Installation, { concurrency }: { readonly concurrency: number }): Promise<Floor> {
  const { databaseUrl, backend, region, home } = installation
  const settings: FloorSettings = {
    ...{ databaseUrl, redisUrl: backend.redisUrl, endpoint: region.url, region: region.region, credentials, concurrency },
  }
  const queue = await openFloorQueue(settings)
  const { helper } = await startHelper({ entry: 'floor.ts', args: [JSON.stringify(settings)], logFile: join(home, 'floor.log') })
  return {
    add: (pairs) => queue.add(pairs.map(jobFor)),
    async stop() {
      await helper.stop()
      await queue.close()
    },
  }
}

function jobFor({ traffic: { native } }: SeededPair): FloorJob {
  return {
    listenerArn: String(native['listenerArn']),
    groups: [
      { arn: String(native['primaryTargetGroupArn']), weight: 100 },
      { arn: String(native['standbyTargetGroupArn']), weight: 0 },
    ],
  }
}
