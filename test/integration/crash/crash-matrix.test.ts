import { testRedisUrl } from '@understudy/testing'
import { afterAll, beforeAll, describe, test } from 'vitest'
import { clouds } from './clouds/index.ts'
import { crashMatrixConfig } from './config.ts'
import { crashMatrix } from './crash-matrix.ts'

const { all, cloud: only, failover: words, parallel } = crashMatrixConfig()

const rows = clouds
  .filter(({ name }) => only === undefined || name === only)
  .flatMap((cloud) => cloud.failovers.map((failover) => ({ cloud, failover })))
  .filter(({ failover }) => failover.title.includes(words) && (all || failover.sample !== 0))
  .map(({ cloud, failover }) => ({
    title: `on ${cloud.title}, a failover ${failover.title}, comes to a good end`,
    isPossible: failover.queue !== 'redis' || testRedisUrl() !== undefined,
    matrix: crashMatrix({ cloud, failover, all }),
  }))
if (rows.length === 0)
  throw new Error(
    `No failover's title has the words "${words}". Titles: ${clouds.flatMap(({ failovers }) => failovers.map(({ title }) => title)).join('; ')}.`,
  )

// Beside each other, for much of the time is spent waiting for leases to run out.
const queue = rows.filter(({ isPossible }) => isPossible).map(({ matrix }) => matrix)
let lanes: Promise<unknown> = Promise.resolve()
beforeAll(() => {
  const lane = async (): Promise<void> => {
    for (let matrix = queue.shift(); matrix !== undefined; matrix = queue.shift()) await matrix.run()
  }
  lanes = Promise.all(Array.from({ length: parallel }, lane))
})
afterAll(async () => {
  queue.length = 0
  await lanes
}, 900_000)

for (const { title, isPossible, matrix } of rows) {
  describe.skipIf(!isPossible)(title, () => {
    for (const { sentence, outcome } of matrix.cases) test(sentence, outcome, 7_200_000)
  })
}
