import type { Account } from '../accounts/account.ts'
import type { Control } from '../context.ts'
import { failureOf } from '../operations/failure.ts'

/** What went wrong with single accounts in a pass. One cloud that does not answer must not keep the others from being looked after. */
export class AccountFailures {
  readonly #failures = new Map<string, string>()

  /** Runs `work` for an account that still exists; what it throws is kept for the report. */
  async isolate(control: Control, accountId: string, work: (account: Account) => Promise<void>): Promise<void> {
    try {
      const account = await control.database.stores.accounts.findById(accountId)
      if (account) await work(account)
    } catch (error) {
      const { code, message } = failureOf(error)
      // A bug of ours, or a database that is away, concerns the whole pass.
      if (code === 'internal') throw error
      this.#failures.set(accountId, `${code}: ${message}`)
    }
  }

  /** For the pass's result. */
  report(): Readonly<Record<string, string>> {
    return Object.fromEntries(this.#failures)
  }
}
