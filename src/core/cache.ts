import { inputHash } from "./identity.ts";
import { readStored, type StoredValue } from "./value/stored.ts";
import { canonicalText, type EncodedValue } from "./value.ts";

/**
 * How results are reused: `auto` keys on the hash of the code that reaches the task, `override` on a version the
 * user gives, `disable` never. `serialize`: one caller computes a missing entry, the others wait for it.
 */
export interface CacheOptions {
  readonly mode: "auto" | "override" | "disable";
  readonly version?: string;
  readonly salt?: string;
  /** Top-level input fields that are left out of the key. */
  readonly ignoredInputs?: readonly string[];
  /** Who shares entries: runs of one project and `domain` (default), of a whole `project`, or all (`global`). */
  readonly scope?: "global" | "project" | "domain";
  readonly serialize?: boolean;
}

/** Per-run switch over every task's own setting. */
export type RunCacheMode = "use" | "overwrite" | "disable";

export interface CacheKeyParts {
  readonly options: CacheOptions;
  readonly task: string;
  /** Hash of the input without its ignored fields: see {@link cacheInputHash}. */
  readonly inputHash: string;
  /** Hash of the modules that reach the task; null when unknown, and then `auto` does not cache. */
  readonly codeHash: string | null;
  readonly project: string;
  readonly domain: string;
}

/** The key under which an outcome is cached, or null when this call must not be cached. */
export function cacheKey(parts: CacheKeyParts): string | null {
  const { options, task, codeHash, project, domain } = parts;
  if (options.mode === "disable") return null;
  const version = options.mode === "override" ? options.version : codeHash;
  if (version === undefined || version === null) return null;
  const scope = options.scope ?? "domain";
  const place = scope === "global" ? "" : scope === "project" ? project : `${project}/${domain}`;
  return inputHash([place, task, options.mode, version, options.salt ?? "", parts.inputHash].join("\n"));
}

/**
 * What a cache key knows of an input: the hash of its content without the ignored fields, the same whether the value
 * is inline or in the blob store. Null when the reference does not say.
 */
export function cacheInputHash(input: EncodedValue, ignored: readonly string[] = []): string | null {
  const stored = readStored(input);
  if (stored === null) return inputHash(canonicalText(withoutFields(input, ignored)));
  if (ignored.length === 0) return stored.hash ?? null;
  return isSame(stored.ignoring?.fields, ignored) ? (stored.ignoring?.hash ?? null) : null;
}

/** The hashes of an input that is about to go to the blob store: its content cannot be asked for them later. */
export function inputHashes(
  input: EncodedValue,
  ignored: readonly string[] = [],
): Pick<StoredValue, "hash" | "ignoring"> {
  const hash = inputHash(canonicalText(input));
  if (ignored.length === 0) return { hash };
  return {
    hash,
    ignoring: { fields: ignored, hash: inputHash(canonicalText(withoutFields(input, ignored))) },
  };
}

/** An encoded object without some of its top-level fields. */
function withoutFields(input: EncodedValue, fields: readonly string[]): EncodedValue {
  if (fields.length === 0) return input;
  const value = JSON.parse(input) as unknown;
  if (typeof value !== "object" || value === null || Array.isArray(value)) return input;
  return JSON.stringify(Object.fromEntries(Object.entries(value).filter(([name]) => !fields.includes(name))));
}

function isSame(one: readonly string[] | undefined, other: readonly string[]): boolean {
  return one?.length === other.length && one.every((name, i) => name === other[i]);
}
