import { encodeSegment } from "./uri.ts";

/** Where things lie in the blob store of a coordinator: code under `bundles/`, all else under the project it is of. */

/**
 * What every key of a project's files and values begins with.
 *
 * @example projectPrefix("default") // "projects/default/"
 */
export function projectPrefix(project: string): string {
  return `projects/${encodeSegment(project)}/`;
}

/**
 * The key of content with this SHA-256.
 *
 * @example contentKey("projects/default/", "9f86…") // "projects/default/sha256/9f/9f86…"
 */
export function contentKey(prefix: string, sha256: string): string {
  return `${prefix}sha256/${sha256.slice(0, 2)}/${sha256}`;
}

/**
 * The SHA-256 that content under a key must have; null for a key that does not say.
 *
 * @example sha256OfKey("projects/default/sha256/9f/9f86…") // "9f86…"
 */
export function sha256OfKey(key: string): string | null {
  return /(?:^|\/)sha256\/[0-9a-f]{2}\/([0-9a-f]{64})$/.exec(key)?.[1] ?? null;
}

/**
 * The key of a bundle.
 *
 * @example bundleKey("9f86…") // "bundles/9f86…"
 */
export function bundleKey(sha256: string): string {
  return `bundles/${sha256}`;
}
