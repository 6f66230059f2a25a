import { Secret } from '@understudy/core'
import { z } from 'zod'

/** A count, a size or a time: whole and above zero. */
export const count = (fallback: number) => z.coerce.number().int().positive().default(fallback)

/** 0 takes a free one. */
export const port = (fallback: number) => z.coerce.number().int().min(0).max(65_535).default(fallback)

/** Wrapped, so that printing the configuration does not print it. */
export const secret = (pattern: RegExp, mistake: string) =>
  z
    .string()
    .regex(pattern, mistake)
    .transform((value) => new Secret(value))

/** Items separated by commas. */
export const list = () =>
  z
    .string()
    .default('')
    .transform((value) =>
      value
        .split(',')
        .map((item) => item.trim())
        .filter((item) => item !== ''),
    )
