import { normalCdf } from '../normal.ts'

/**
 * P(X ≤ h, Y ≤ k) of two standard normals with correlation ρ in (−1, 1), by Plackett's identity ∂Φ₂/∂ρ = φ₂ integrated over
 * ρ = sin θ (Drezner & Wesolowsky 1990), midpoint rule.
 */
export function bivariateNormalCdf(h: number, k: number, correlation: number): number {
  const end = Math.asin(correlation)
  const steps = 48
  let sum = 0
  for (let i = 0; i < steps; i++) {
    const theta = ((i + 0.5) / steps) * end
    const sine = Math.sin(theta)
    sum += Math.exp(-(h * h + k * k - 2 * h * k * sine) / (2 * (1 - sine * sine)))
  }
  const independent = normalCdf(h) * normalCdf(k)
  return Math.max(0, Math.min(normalCdf(h), normalCdf(k), independent + ((sum / steps) * end) / (2 * Math.PI)))
}

/** The ρ within ±0.95 for which P(X ≤ h, Y ≤ k) is nearest to `joint`. */
export function latentCorrelation(h: number, k: number, joint: number): number {
  let low = -0.95
  let high = 0.95
  for (let i = 0; i < 24; i++) {
    const middle = (low + high) / 2
    if (bivariateNormalCdf(h, k, middle) < joint) low = middle
    else high = middle
  }
  return (low + high) / 2
}
