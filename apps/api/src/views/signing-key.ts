import type { SigningKey as SigningKeyView } from '@understudy/contract'
import type { SigningKey } from '@understudy/control'
import type { z } from 'zod'
import { present, timeText } from './optional.ts'

export const signingKeyView = (key: SigningKey): z.input<typeof SigningKeyView> =>
  present({
    id: key.id,
    algorithm: 'Ed25519' as const,
    publicKey: key.publicKey,
    createdAt: key.createdAt.toISOString(),
    retiredAt: timeText(key.retiredAt),
  })
