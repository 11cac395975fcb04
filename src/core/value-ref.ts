import type { EncodedValue } from "./value.ts";

/** The action that made a file or folder. */
export interface Producer {
  readonly run: string;
  readonly action: string;
}

/** A file or folder that is part of a value: what lineage remembers of it. */
export interface ValueRef {
  readonly kind: "file" | "dir";
  readonly uri: string;
  /** Of its content (of a folder: of its manifest); null when nobody knows it. */
  readonly sha256: string | null;
  readonly sizeBytes: number | null;
  readonly name: string | null;
  /** Null when it was made outside of any run. */
  readonly producer: Producer | null;
}

/** The most references of one value that are kept; a folder is one, however many files it has. */
export const MAX_REFS = 1_000;

/**
 * The files and folders in an encoded value, each once, in the order in which they stand there. Values without any,
 * the usual case, cost one search.
 *
 * @example findRefs(encodeValue({ data: file })) // [{ kind: "file", uri: "s3://…", … }]
 */
export function findRefs(text: EncodedValue): readonly ValueRef[] {
  if (!MAY_HAVE_REFS.test(text)) return NONE;
  const found = new Map<string, ValueRef>();
  collect(JSON.parse(text), found);
  return found.size === 0 ? NONE : [...found.values()];
}

const NONE: readonly ValueRef[] = [];
const MAY_HAVE_REFS = /\{"\$(?:file|dir)":/;

function collect(tree: unknown, found: Map<string, ValueRef>): void {
  if (typeof tree !== "object" || tree === null || found.size >= MAX_REFS) return;
  if (Array.isArray(tree)) {
    for (const item of tree) collect(item, found);
    return;
  }
  const keys = Object.keys(tree);
  for (const key of keys) {
    const item = (tree as Record<string, unknown>)[key];
    const kind = keys.length === 1 ? KINDS.get(key) : undefined;
    const ref = kind === undefined ? undefined : readRef(kind, item);
    if (ref === undefined) collect(item, found);
    else found.set(`${ref.sha256 ?? ref.uri} ${ref.name}`, ref);
  }
}

const KINDS: ReadonlyMap<string, ValueRef["kind"]> = new Map([
  ["$file", "file"],
  ["$dir", "dir"],
]);

function readRef(kind: ValueRef["kind"], payload: unknown): ValueRef | undefined {
  const { uri, sha256, sizeBytes, name, producer } = (payload ?? {}) as Partial<
    Record<keyof ValueRef, unknown>
  >;
  if (typeof uri !== "string") return undefined;
  const { run, action } = (producer ?? {}) as Partial<Record<keyof Producer, unknown>>;
  return {
    kind,
    uri,
    sha256: typeof sha256 === "string" ? sha256 : null,
    sizeBytes: typeof sizeBytes === "number" ? sizeBytes : null,
    name: typeof name === "string" ? name : null,
    producer: typeof run === "string" && typeof action === "string" ? { run, action } : null,
  };
}
