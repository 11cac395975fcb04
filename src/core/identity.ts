import { hash } from "node:crypto";

/** The action every run starts with. */
export const ROOT_ACTION = "a0";

const ALPHABET = "abcdefghijklmnopqrstuvwxyz234567";
const ID_CHARACTERS = 24;

/** Hash of an action's canonical input; part of its identity. */
export function inputHash(canonicalInput: string): string {
  return hash("sha256", canonicalInput, "base64url");
}

/**
 * The id of a child action: base32(sha256(parent, task, input hash, nth)), 24 characters (120 bits).
 *
 * Identity is content, not position: `nth` counts only *identical* calls under one parent, so the order in which
 * promises settle never changes an id. Code version, group, resources and overrides are deliberately not in it,
 * so an edit or a rename of a folder in the UI loses no recorded result.
 *
 * @example childActionId("a0", "hello.predict", inputHash("1"), 0) // "k5v…" (24 characters)
 */
export function childActionId(parentId: string, task: string, input: string, nth: number): string {
  const bytes = hash("sha256", `${parentId}\n${task}\n${input}\n${nth}`, "buffer");
  return base32(bytes, ID_CHARACTERS);
}

/** The first `characters` base32 characters of `bytes` (lower case, no padding; RFC 4648 alphabet). */
export function base32(bytes: Uint8Array, characters: number): string {
  const codes: number[] = [];
  let bits = 0;
  let held = 0;
  for (let i = 0; codes.length < characters && i < bytes.length; i++) {
    held = (held << 8) | (bytes[i] ?? 0);
    bits += 8;
    while (bits >= 5 && codes.length < characters) {
      bits -= 5;
      codes.push(ALPHABET.charCodeAt((held >>> bits) & 31));
    }
    held &= (1 << bits) - 1;
  }
  // In one piece: a text that is added up letter by letter is kept as a tree of its parts, at ten times the size.
  return String.fromCharCode(...codes);
}
