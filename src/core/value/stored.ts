import type { EncodedValue } from "../value.ts";
import { malformed } from "./malformed.ts";

/** How large an encoded value may be, in bytes of UTF-8, before it goes to the blob store. */
export const MAX_INLINE_BYTES: number = 16 * 1024;

/**
 * A value whose encoded text is in the blob store, under the hash of that text. It stands for the value wherever one
 * is stored or sent, and never reaches user code.
 *
 * @example const stored: StoredValue = { sha256: "9f86…", sizeBytes: 40_000 };
 */
export interface StoredValue {
  /** Of the encoded text, in hex. */
  readonly sha256: string;
  readonly sizeBytes: number;
  /** Of an input: the hash of its canonical text, which is what a cache key needs to know of it. */
  readonly hash?: string;
  /** The same without the fields that the task's cache ignores. */
  readonly ignoring?: { readonly fields: readonly string[]; readonly hash: string };
}

const START = '{"$blob":';
const SHA256 = /^[0-9a-f]{64}$/;

/**
 * Whether an encoded value is only a reference. A user's own object that looks like one is written with a doubled
 * sign, so the start of the text decides.
 *
 * @example isStored('{"$blob":{"sha256":"9f86…","sizeBytes":40000}}') // true
 */
export function isStored(text: EncodedValue): boolean {
  return text.startsWith(START);
}

/** The text that stands for a value in the blob store; {@link readStored} reads it back. */
export function writeStored(stored: StoredValue): EncodedValue {
  return JSON.stringify({ $blob: stored });
}

/** What a text refers to, or null when it is a value itself. Throws `VALUE_MALFORMED` for a reference that is none. */
export function readStored(text: EncodedValue): StoredValue | null {
  if (!isStored(text)) return null;
  const { $blob: stored, ...more } = parse(text);
  // The hash becomes a key of the blob store.
  const isWhole =
    typeof stored?.sha256 === "string" &&
    SHA256.test(stored.sha256) &&
    Number.isSafeInteger(stored.sizeBytes);
  if (!isWhole || Object.keys(more).length > 0) throw malformed("has a $blob that cannot be read");
  return stored as StoredValue;
}

function parse(text: string): { readonly $blob?: Partial<StoredValue> | null } {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw malformed(`is not JSON: ${(error as Error).message}`, { cause: error });
  }
}
