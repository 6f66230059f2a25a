/** The members of an object that are not `undefined`, so that an absent value is an absent member. */
export function present<T extends object>(
  value: T,
): { [Key in keyof T as undefined extends T[Key] ? never : Key]: T[Key] } & {
  [Key in keyof T as undefined extends T[Key] ? Key : never]?: Exclude<T[Key], undefined>
} {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as never
}

export const timeText = (at: Date | undefined): string | undefined => at?.toISOString()
