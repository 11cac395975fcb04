/** What a query may hold; a list becomes a parameter for each item, what is undefined is left out. */
export type QueryValue = string | number | boolean | readonly (string | number)[] | undefined;

/**
 * A path with the given parts and query.
 *
 * @example address("/v1/runs/{}/actions", ["r1"], { phase: ["failed", "aborted"] }) // "/v1/runs/r1/actions?phase=…"
 */
export function address(path: string, parts: readonly string[], query: object = {}): string {
  let at = 0;
  const filled = path.replaceAll("{}", () => encodeURIComponent(parts[at++] ?? ""));
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query) as [string, QueryValue][]) {
    if (value === undefined) continue;
    for (const item of [value].flat()) parameters.append(name, String(item));
  }
  return parameters.size === 0 ? filled : `${filled}?${parameters}`;
}
