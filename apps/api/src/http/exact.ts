import type { Json } from '@understudy/core'

/** A parsed value has no members that are `undefined`: schemas leave absent ones out, which their types do not say. */
export type Exact<T> = [Json] extends [T]
  ? T
  : T extends readonly (infer Item)[]
    ? Exact<Item>[]
    : T extends object
      ? string extends keyof T
        ? T
        : { [Key in keyof T]: Exact<Exclude<T[Key], undefined>> }
      : T
