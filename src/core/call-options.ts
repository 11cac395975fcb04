import type { CallOptions } from "./call.ts";

/** One level of settings: environment, task or call. `null` takes a setting of a farther level away. */
export type OptionLevel = {
  readonly [Key in keyof CallOptions]?: CallOptions[Key] | null;
};

/**
 * The options of a call from its levels, far to near. A nearer value replaces the farther one as a whole. Values equal
 * to the defaults are left out, because the rest is stored with every action.
 *
 * @example mergeOptions([{ retries: { count: 3 }, priority: 2 }, { retries: { count: 0 } }]) // { priority: 2 }
 */
export function mergeOptions(levels: readonly OptionLevel[]): CallOptions {
  const merged: Record<string, unknown> = Object.assign({}, ...levels);
  for (const [key, value] of Object.entries(merged)) if (isDefault(key, value)) delete merged[key];
  return merged as CallOptions;
}

function isDefault(key: string, value: unknown): boolean {
  if (value === null || value === undefined || value === false || value === 0 || value === "") return true;
  if (key === "retries") return (value as { readonly count: number }).count === 0;
  if (key === "cache") return (value as { readonly mode: string }).mode === "disable";
  return Array.isArray(value) && value.length === 0;
}
