type Compact<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>
}

/** The same object without its undefined members: a parameter that was not sent must be absent, not undefined. */
export function compact<T extends object>(value: T): Compact<T> {
  const out: Record<string, unknown> = {}
  for (const [key, member] of Object.entries(value)) if (member !== undefined) out[key] = member
  return out as Compact<T> // the loop above has just made it so
}
