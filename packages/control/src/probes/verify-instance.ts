import { sleep } from '@understudy/core'
import { isProviderError } from '@understudy/provider'
import type { InstanceRef, Provider } from '@understudy/provider'
import type { SagaDeps } from '../context.ts'
import type { GuestChannel } from './guest-channel.ts'
import { guestCheckName, judge, scriptOf } from './guest-check.ts'
import type { GuestCheck } from './guest-check.ts'
import { probeAddressOf } from './probe-address.gate.ts'
import { nameOf } from './probe.ts'
import type { CheckResult, RestoreChecks } from './probe.ts'

type Look = () => Promise<Pick<CheckResult, 'outcome' | 'detail'>>
const everyMs = 2000

/**
 * Looks until an instance has booted, the cloud's own checks pass, and every probe and every check inside passes, or the time is up. Never fails because of
 * what it finds: the result says it. What a cloud cannot tell is `skipped`, with the reason, and counts neither way.
 */
export async function verifyInstance(
  deps: Pick<SagaDeps, 'clock' | 'prober' | 'settings'>,
  provider: Provider,
  ref: InstanceRef,
  how: {
    readonly verification: RestoreChecks
    readonly proxy: string | undefined
    readonly channel: GuestChannel
    readonly signal: AbortSignal
  },
): Promise<{ readonly passed: boolean; readonly checks: readonly CheckResult[] }> {
  const { probes, checks: guestChecks, withinSeconds } = how.verification
  const fromMs = deps.clock.nowMs()
  const looks: readonly (readonly [string, Look])[] = [
    ['boot', () => hasBooted(provider, ref)],
    ['cloud', () => cloudSays(provider, ref)],
    ...probes.map((probe): readonly [string, Look] => [
      nameOf(probe),
      async () => {
        const described = await provider.inventory.describe(ref)
        if (described === undefined) return { outcome: 'failed', detail: 'The cloud does not know it.' }
        const target = probeAddressOf(described, how.proxy, deps.settings.webhookAllowedNetworks)
        if (!target.ok) return { outcome: 'failed', detail: target.reason }
        const { passed, detail } = await deps.prober.attempt(probe, { address: target.address, proxy: how.proxy, signal: how.signal })
        return { outcome: passed ? 'passed' : 'failed', detail }
      },
    ]),
    ...guestChecks.map((check): readonly [string, Look] => [guestCheckName(check), () => asked(how.channel, check)]),
  ]
  const done = new Map<string, CheckResult>()
  for (;;) {
    for (const [check, look] of looks) {
      if (isSettled(done.get(check))) continue
      const afterSeconds = (deps.clock.nowMs() - fromMs) / 1000
      done.set(check, { check, ...(await answered(look)), afterSeconds })
    }
    const checks = looks.map(([check]) => done.get(check)).filter((result) => result !== undefined)
    if (checks.every(isSettled)) return { passed: true, checks }
    if (deps.clock.nowMs() - fromMs >= withinSeconds * 1000) return { passed: false, checks }
    await sleep(deps.clock, everyMs, how.signal)
  }
}

/** An agent that does not answer yet may answer at the next look. */
async function asked(channel: GuestChannel, check: GuestCheck): ReturnType<Look> {
  if ('closed' in channel) return { outcome: 'skipped', detail: channel.closed }
  try {
    const { passed, detail } = judge(check, await channel.run(guestCheckName(check), scriptOf(check)))
    return { outcome: passed ? 'passed' : 'failed', detail }
  } catch (error) {
    if (!isProviderError(error, 'conflict')) throw error
    return { outcome: 'failed', detail: `The cloud's agent in it does not answer (${error.shape.nativeCode}).` }
  }
}

const isSettled = (result: CheckResult | undefined): boolean => result !== undefined && result.outcome !== 'failed'

/** A look that the cloud did not answer is one that may be repeated. */
async function answered(look: Look): ReturnType<Look> {
  try {
    return await look()
  } catch (error) {
    if (!isProviderError(error) || !error.shape.retryable) throw error
    return { outcome: 'failed', detail: `There was no answer (${error.shape.nativeCode}).` }
  }
}

async function hasBooted(provider: Provider, ref: InstanceRef): ReturnType<Look> {
  const summary = (await provider.inventory.states([ref])).get(ref.nativeId)
  return summary?.state === 'running'
    ? { outcome: 'passed', detail: 'It runs.' }
    : { outcome: 'failed', detail: `It is ${summary?.state ?? 'gone'}.` }
}

async function cloudSays(provider: Provider, ref: InstanceRef): ReturnType<Look> {
  if (provider.inventory.checks === undefined)
    return { outcome: 'skipped', detail: `${ref.provider} has no checks of its own that its adapter reads.` }
  const { state, detail } = await provider.inventory.checks(ref)
  return { outcome: state === 'passed' ? 'passed' : 'failed', detail }
}

/** One sentence on what has not passed. */
export const failedChecks = (checks: readonly CheckResult[]): string =>
  checks
    .filter(({ outcome }) => outcome === 'failed')
    .map(({ check, detail }) => `${check}: ${detail}`)
    .join(' ')
