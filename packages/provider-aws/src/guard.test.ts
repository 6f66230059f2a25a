import { seededRandom, systemClock } from '@understudy/core'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createAwsProvider } from './aws-provider.ts'

let asked = 0
const server = createServer((_request, response) => {
  asked += 1
  response.end()
})
beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)))
afterAll(() => {
  server.close()
})

test('an endpoint whose name leads to a refused address is never connected to', async () => {
  const { port } = server.address() as AddressInfo
  const provider = createAwsProvider({
    scope: { account: '123456789012', region: 'sim-east-1' },
    credentials: { accessKeyId: 'AKIATEST', secretAccessKey: 'secret' },
    endpoint: `http://localhost:${port}`,
    installation: 'test',
    clock: systemClock(),
    random: seededRandom(1),
    guard: () => 'is a metadata address',
  })
  await expect(provider.identify()).rejects.toMatchObject({ shape: { kind: 'invalid', nativeCode: 'ADDRESS_REFUSED' } })
  expect(asked).toBe(0)
  await provider.close()
})
