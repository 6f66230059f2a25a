import { expect, test } from 'vitest'
import { aWorld, later, start, useDatabase } from './testing/fixtures.ts'

const connection = useDatabase()
const avoid = () => connection.database.stores.avoid

test('an offering is avoided until its time, and the later time wins whatever the order', async () => {
  const { account } = await aWorld(connection.database)
  const offering = { accountId: account.id, instanceType: 'm7i.large', zone: 'eu-central-1a', purchase: 'spot' as const }
  await avoid().remember({ ...offering, reason: 'InsufficientInstanceCapacity', until: later(1000) })
  await avoid().remember({ ...offering, reason: 'older news', until: later(500) })
  expect(await avoid().list(account.id, later(999))).toEqual([{ ...offering, reason: 'InsufficientInstanceCapacity', until: later(1000) }])
  await avoid().remember({ ...offering, reason: 'newer news', until: later(2000) })
  expect(await avoid().list(account.id, later(999))).toEqual([{ ...offering, reason: 'newer news', until: later(2000) }])
  expect(await avoid().list(account.id, later(2000))).toEqual([])
})

test('an offering without a zone or a type stays without, and is another one than the same with it', async () => {
  const { account } = await aWorld(connection.database)
  await avoid().remember({ accountId: account.id, purchase: 'spot', reason: 'quota', until: later(1000) })
  await avoid().remember({ accountId: account.id, purchase: 'spot', zone: 'eu-central-1a', reason: 'capacity', until: later(1000) })
  expect(await avoid().list(account.id, start)).toEqual([
    { accountId: account.id, purchase: 'spot', reason: 'quota', until: later(1000) },
    { accountId: account.id, purchase: 'spot', zone: 'eu-central-1a', reason: 'capacity', until: later(1000) },
  ])
})
