import type { Account as AccountView } from '@understudy/contract'
import type { Account } from '@understudy/control'
import type { z } from 'zod'
import { etagOf } from '../http/etag.ts'
import { present, timeText } from './optional.ts'

export const accountView = (account: Account): z.input<typeof AccountView> =>
  present({
    id: account.id,
    name: account.name,
    provider: account.provider,
    nativeAccount: account.nativeAccount,
    region: account.region,
    settings: account.settings,
    status: account.status,
    verifiedAt: timeText(account.verifiedAt),
    verification: account.verification,
    ingestEnabled: account.ingestKeyHash !== undefined || account.settings['push'] !== undefined,
    createdAt: account.createdAt.toISOString(),
    updatedAt: account.updatedAt.toISOString(),
    etag: etagOf(account.version),
  })
