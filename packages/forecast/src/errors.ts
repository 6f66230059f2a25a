/** An argument that no forecast can be made of. `argument` is its name as the caller wrote it. */
export class ForecastError extends Error {
  override readonly name = 'ForecastError'
  readonly argument: string
  /** What is wrong with it. */
  readonly reason: string

  constructor(argument: string, reason: string) {
    super(`${argument}: ${reason}`)
    this.argument = argument
    this.reason = reason
  }
}
