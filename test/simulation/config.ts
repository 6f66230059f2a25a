/** Seeds of the simulation inside `npm test`; `SIMULATION_SEEDS=200` runs more, `SIMULATION_FIRST_SEED` others. */
export const readSimulationSettings = (): { readonly seeds: number; readonly firstSeed: number } => ({
  seeds: Number(process.env['SIMULATION_SEEDS'] ?? 24),
  firstSeed: Number(process.env['SIMULATION_FIRST_SEED'] ?? 1),
})
