/**
 * The deployments that a runner may take from, later ones included: what a token says instead of listing them.
 *
 * @example const reach: RunnerReach = { project: "search", domain: null, environments: null };
 */
export interface RunnerReach {
  /** The only project; null for all. */
  readonly project: string | null;
  /** The only domain; null for all. */
  readonly domain: string | null;
  /** The only environments; null for all. */
  readonly environments: readonly string[] | null;
}

/**
 * Whether a deployment is within reach. A whole file, which is what a local run registers, is in no environment.
 *
 * @example isWithinReach(deployment, { project: "search", domain: null, environments: null })
 */
export function isWithinReach(
  at: { readonly project: string; readonly domain: string; readonly environment: string | null },
  { project, domain, environments }: RunnerReach,
): boolean {
  if (project !== null && project !== at.project) return false;
  if (domain !== null && domain !== at.domain) return false;
  return environments === null || (at.environment !== null && environments.includes(at.environment));
}
