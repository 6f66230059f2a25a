import { startAzureServer } from '@understudy/cloud-sim'
import { expect, test } from 'vitest'
import { createAzureProvider } from './azure-provider.ts'
import { openAzureProvider } from './open-provider.ts'
import { settingsFor } from './testing/wire-world.ts'

test('what opens itself at the first call has every capability and method of what it opens', async () => {
  const server = await startAzureServer({})
  const settings = settingsFor(server)
  const [deferred, opened] = [createAzureProvider(settings), openAzureProvider(settings)]
  const shapeOf = (provider: object): object =>
    Object.fromEntries(
      Object.entries(provider)
        .filter(([key, value]) => typeof value === 'object' && key !== 'traits' && key !== 'scope')
        .map(([key, value]) => [key, Object.keys(value as object).toSorted()]),
    )
  expect(shapeOf(deferred)).toEqual(shapeOf(opened))
  expect(deferred.traits).toEqual(opened.traits)
  await deferred.close()
  await opened.close()
  await server.close()
})
