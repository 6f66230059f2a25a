import { AppError, isAppError } from '@understudy/core'
import type { Clock } from '@understudy/core'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { ApiSettings, RateSettings } from '../deps.ts'
import { tokenBuckets } from '../http/token-bucket.ts'

export interface RateLimits {
  /** Counts a request of a known key. */
  key(keyId: string, reply: FastifyReply): void
  /** Counts pushed events of an account, whether or not they carried its key. */
  ingest(accountId: string, reply: FastifyReply): void
  /** Runs the check of a key; addresses that keep failing it are refused before it runs. */
  stranger<T>(request: FastifyRequest, reply: FastifyReply, check: () => Promise<T>): Promise<T>
}

/** Per process: with n processes behind a balancer a caller may reach n times the rate. */
export function rateLimits(clock: Clock, settings: Pick<ApiSettings, 'rate' | 'ingestRate' | 'strangerRate'>): RateLimits {
  const keys = limiter(clock, settings.rate)
  const accounts = limiter(clock, settings.ingestRate)
  const strangers = limiter(clock, settings.strangerRate)
  const refused = new Map<string, number>()
  return {
    key: keys,
    ingest: accounts,
    async stranger(request, reply, check) {
      const untilMs = refused.get(request.ip)
      if (untilMs !== undefined && untilMs > clock.nowMs()) throw tooMany(Math.ceil((untilMs - clock.nowMs()) / 1000))
      refused.delete(request.ip)
      try {
        return await check()
      } catch (error) {
        if (isAppError(error, 'unauthenticated')) countFailure(request.ip, reply)
        throw error
      }
    },
  }

  function countFailure(address: string, reply: FastifyReply): void {
    try {
      strangers(address, reply)
    } catch (error) {
      if (refused.size > 10_000) refused.clear()
      refused.set(address, clock.nowMs() + 1000)
      throw error
    }
  }
}

function limiter(clock: Clock, rate: RateSettings): (caller: string, reply: FastifyReply) => void {
  const buckets = tokenBuckets(clock, rate)
  const windowSeconds = Math.ceil(rate.burst / rate.perSecond)
  return (caller, reply) => {
    const { allowed, remaining, retryAfterSeconds } = buckets.take(caller)
    reply.header('ratelimit-policy', `"default";q=${rate.burst};w=${windowSeconds}`)
    reply.header('ratelimit', `"default";r=${remaining};t=${retryAfterSeconds}`)
    if (!allowed) throw tooMany(retryAfterSeconds)
  }
}

const tooMany = (retryAfterSeconds: number): AppError =>
  new AppError('rate_limited', `Too many requests. Wait ${retryAfterSeconds} s, then go on more slowly.`, { details: { retryAfterSeconds } })
