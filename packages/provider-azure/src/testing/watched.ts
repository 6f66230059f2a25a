import { type Exchange, specOracle } from './spec-oracle.ts'

/** Judges what goes over the wire while a world is used. */
export function watched() {
  const oracle = specOracle()
  const seen = new Set<string>()
  const problems = new Set<string>()
  return {
    onExchange(exchange: Exchange): void {
      const judged = oracle.judge(exchange)
      if (judged === undefined) return
      seen.add(judged.operation)
      for (const problem of judged.problems) problems.add(problem)
    },
    problems: (): readonly string[] => [...problems].toSorted(),
    /** Operations of the specifications at hand that nobody has asked for. */
    unseen: (): readonly string[] => oracle.operations.filter((name) => !seen.has(name)),
  }
}
