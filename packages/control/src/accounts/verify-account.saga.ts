import { AppError, now, orAborted, timeoutSignal } from '@understudy/core'
import type { ErrorKind } from '@understudy/core'
import { saga } from '@understudy/saga'
import type { Provider } from '@understudy/provider'
import type { StepContext } from '@understudy/saga'
import { z } from 'zod'
import { systemActor } from '../access/access.ts'
import type { SagaDeps } from '../context.ts'
import { recordChange } from '../journal/record-change.ts'
import { failureOf } from '../operations/failure.ts'
import { sagaVersions } from '../operations/saga-versions.ts'
import { swapOrRepeat } from '../seen-version.ts'
import type { Account, Verification } from './account.ts'
import { missingText, permissionReport, reportOf } from './permission-report.ts'
import type { PermissionReport } from './permission-report.ts'

export type VerifyAccountDeps = Pick<SagaDeps, 'database' | 'clock' | 'ids' | 'openProvider'>

const params = z.strictObject({ accountId: z.string() })
type Params = z.infer<typeof params>

/** One question to the cloud. A wrong endpoint often neither answers nor refuses. */
const answerWithinMs = 10_000
/** Some forty small questions. */
const permissionsWithinMs = 40_000
const attemptsMax = 3

const findings = z.union([
  z.object({ ok: z.literal(true), account: z.string(), principal: z.string(), permissions: z.array(permissionReport).optional() }),
  z.object({ ok: z.literal(false), code: z.string(), message: z.string(), remedy: z.string().optional() }),
])
type Findings =
  | { readonly ok: true; readonly account: string; readonly principal: string; readonly permissions?: PermissionReport[] | undefined }
  | { readonly ok: false; readonly code: string; readonly message: string; readonly remedy?: string | undefined }

/**
 * Asks the cloud who we are, and what the credentials may do. A refusal is recorded with the account before the operation fails with it, so that both the account
 * and the operation say what is wrong and what to do.
 */
export const verifyAccountSaga = saga<VerifyAccountDeps, Params>('account.verify', { version: sagaVersions['account.verify'], params })
  .step('identity', {
    title: 'Ask the cloud who the credentials belong to, and what they may do',
    budget: { maxMs: 90_000 },
    attemptsMax,
    output: findings,
    run: identify,
    undo: 'nothing-to-undo',
  })
  .step('record', {
    title: 'Record the answer with the account',
    budget: { maxMs: 30_000 },
    run: (deps, step) => record(deps, step, step.outputs.identity),
    // What was found stays true when the operation fails because of it.
    undo: 'nothing-to-undo',
  })
  .step('verdict', {
    title: 'Fail if the account cannot be used',
    budget: { maxMs: 10_000 },
    run: async (_deps, { outputs }) => {
      const { verification } = outputs.record
      if (verification.errorCode === undefined)
        return { nativeAccount: verification.nativeAccount ?? null, principal: verification.principal ?? null }
      throw new AppError(verification.errorCode as ErrorKind, verification.message ?? 'The account cannot be used.', {
        details: { remedy: verification.remedy },
      })
    },
    undo: 'nothing-to-undo',
  })
  .end()

async function identify(deps: VerifyAccountDeps, step: StepContext<Params, object>): Promise<Findings> {
  const timeout = timeoutSignal(deps.clock, answerWithinMs, step.signal)
  try {
    const provider = await deps.openProvider(step.params.accountId)
    const { account, principal } = await orAborted(provider.identify({ signal: timeout.signal }), timeout.signal)
    const permissions = await permissionsOf(deps, step, provider)
    return { ok: true, account, principal, ...(permissions === undefined ? {} : { permissions }) }
  } catch (error) {
    if (step.signal.aborted) throw error
    const failure = failureOf(error)
    if (failure.transient && step.attempt < attemptsMax) throw error
    if (failure.code === 'internal') throw error
    const remedy = failure.code === 'not_found' ? unknownAccountRemedy : failure.remedy
    return { ok: false, code: failure.code, message: failure.message, ...(remedy === undefined ? {} : { remedy }) }
  } finally {
    timeout.release()
  }
}

const unknownAccountRemedy =
  'Check `nativeAccount`, which names the account of the cloud (a project, a subscription), and the names in the settings; then whether the credentials may see it.'

/** What the credentials may do. Not knowing it is no reason to call an account bad that has answered. */
async function permissionsOf(
  deps: VerifyAccountDeps,
  step: StepContext<Params, object>,
  { permissions }: Provider,
): Promise<PermissionReport[] | undefined> {
  if (permissions === undefined) return undefined
  const timeout = timeoutSignal(deps.clock, permissionsWithinMs, step.signal)
  try {
    return reportOf(await orAborted(permissions.check({ signal: timeout.signal }), timeout.signal))
  } catch (error) {
    const failure = failureOf(error)
    if (step.signal.aborted || failure.code === 'internal') throw error
    await step.note(`The permissions could not be asked about: ${failure.message}`)
    return undefined
  } finally {
    timeout.release()
  }
}

async function record(deps: VerifyAccountDeps, step: StepContext<Params, object>, found: Findings): Promise<{ readonly verification: Verification }> {
  return deps.database.transaction(async (stores) => {
    const account = await stores.accounts.findById(step.params.accountId)
    if (account === undefined) throw new AppError('not_found', 'The account has been deleted meanwhile.')
    const verification: Verification = { ...verificationOf(account, found), operationId: step.operationId }
    // A second attempt after a crash finds what the first has written.
    if (account.verification?.['operationId'] === step.operationId) return { verification }
    const at = now(deps.clock)
    const isVerified = verification.errorCode === undefined
    const changed: Account = {
      ...account,
      status: isVerified ? 'verified' : 'failing',
      verification,
      ...(isVerified ? { verifiedAt: at } : {}),
      // Who we are is known even if something is missing; another account than before is a conflict.
      ...(verification.nativeAccount !== undefined && verification.errorCode !== 'conflict' ? { nativeAccount: verification.nativeAccount } : {}),
      updatedAt: at,
      version: account.version + 1,
    }
    await swapOrRepeat(stores.accounts.update(changed, account.version))
    await recordChange(deps, stores, {
      projectId: account.projectId,
      actor: systemActor('account.verify'),
      what: isVerified ? 'accounts.verified' : 'accounts.verification_failed',
      subject: `accounts/${account.id}`,
      operationId: step.operationId,
      data: isVerified ? { nativeAccount: verification.nativeAccount } : { errorCode: verification.errorCode, message: verification.message },
    })
    return { verification }
  })
}

function verificationOf(account: Account, found: Findings): Verification {
  if (!found.ok) {
    return { errorCode: found.code, message: found.message, ...(found.remedy === undefined ? {} : { remedy: found.remedy }) }
  }
  const { permissions } = found
  const who = { principal: found.principal, nativeAccount: found.account, ...(permissions === undefined ? {} : { permissions }) }
  const isAnother = account.nativeAccount !== undefined && account.nativeAccount !== found.account
  if (!isAnother) return { ...who, ...problemOf(permissions ?? [], found.principal) }
  return {
    ...who,
    errorCode: 'conflict',
    message: `The credentials belong to ${found.account}; this account is for ${account.nativeAccount}.`,
    remedy: `Give credentials of ${account.nativeAccount} with an update of the account, or make another account for ${found.account}.`,
  }
}

function problemOf(permissions: readonly PermissionReport[], principal: string): Pick<Verification, 'errorCode' | 'message' | 'remedy'> {
  const missing = missingText(permissions)
  if (missing === undefined) return {}
  return {
    errorCode: 'provider_unauthorized',
    message: `The credentials are valid and lack permissions. ${missing}`,
    remedy: `Add them to the policy of ${principal}, then verify again. What works without them, the capabilities of the account say.`,
  }
}
