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
  /**
   * Runs the check of a key, and counts its failures by address. Valid keys are never refused for what others of the same address
   * do: behind a balancer, or a company's one address, that would let anybody shut everybody out.
   */
  stranger<T>(request: FastifyRequest, reply: FastifyReply, check: () => Promise<T>): Promise<T>
}

/** Per process: with n processes behind a balancer a caller may reach n times the rate. */
export function rateLimits(clock: Clock, settings: Pick<ApiSettings, 'rate' | 'ingestRate' | 'strangerRate'>): RateLimits {
  const keys = limiter(clock, settings.rate)
  const accounts = limiter(clock, settings.ingestRate)
  const strangers = limiter(clock, settings.strangerRate)
  return {
    key: keys,
    ingest: accounts,
    async stranger(request, reply, check) {
      try {
        return await check()
      } catch (error) {
        if (isAppError(error, 'unauthenticated')) strangers(request.ip, reply)
        throw error
      }
    },
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
