/** What every list takes. `after` is the cursor of the last item seen; which one that is, the list decides. */
export interface PageInput {
  /** Default 50, at least 1, at most 1,000; anything else is brought into that range. */
  readonly pageSize?: number | undefined
  readonly after?: string | undefined
}
export interface Page<Item> {
  readonly items: readonly Item[]
  /** Absent on the last page. */
  readonly nextAfter?: string
}

const pageSizeDefault = 50
const pageSizeMax = 1000

/** How many to show, and what to ask the store for: one more, to learn whether there is a next page. */
export function pageQuery(input: PageInput): {
  readonly size: number
  readonly query: { readonly after: string | undefined; readonly limit: number }
} {
  const asked = input.pageSize === undefined || Number.isNaN(input.pageSize) ? pageSizeDefault : Math.trunc(input.pageSize)
  const size = Math.min(Math.max(asked, 1), pageSizeMax)
  return { size, query: { after: input.after, limit: size + 1 } }
}

/** Cuts the item that was asked for in excess. */
export function pageOf<Item>(items: readonly Item[], size: number, cursorOf: (item: Item) => string): Page<Item> {
  const last = items.length > size ? items[size - 1] : undefined
  return last === undefined ? { items } : { items: items.slice(0, size), nextAfter: cursorOf(last) }
}

export const idOf = (item: { readonly id: string }): string => item.id
