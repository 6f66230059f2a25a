/** Decimal text, so that no amount is ever rounded by a float on its way through JSON. */
export interface Money {
  readonly amount: string
  readonly currency: 'USD'
}

export const usd = (amount: number): Money => ({ amount: amount.toFixed(4), currency: 'USD' })
