import { hash } from "node:crypto";
import { GodwitError } from "../core/errors.ts";

/**
 * Page cursors: where a page ended, and a digest of that together with the list and its filters. A cursor is good for
 * the list it came from only. The digest notices mistakes, it keeps no secret: what a caller may list is decided
 * by the caller's key on every page.
 */

/** Identifies a list: its name and every filter in it. */
export type ListKey = readonly unknown[];

/** Writes the cursor of a page that ended at `position`. */
export function writeCursor(list: ListKey, position: unknown): string {
  const text = JSON.stringify(position);
  return Buffer.from(`${digest(list, text)}${text}`).toString("base64url");
}

/** Where the page before ended; null when there was none. @throws GodwitError INVALID_CURSOR */
export function readCursor<Position>(list: ListKey, cursor: string | undefined): Position | null {
  if (cursor === undefined) return null;
  const text = Buffer.from(cursor, "base64url").toString();
  const position = text.slice(DIGEST_CHARACTERS);
  if (digest(list, position) !== text.slice(0, DIGEST_CHARACTERS)) {
    throw new GodwitError("INVALID_CURSOR", `the cursor "${cursor.slice(0, 60)}" is not one of this list`);
  }
  return JSON.parse(position) as Position;
}

/** A page of a list, from one row more than fits into it. */
export function pageOf<Row, Item>(
  rows: readonly Row[],
  page: { readonly limit: number; readonly list: ListKey; readonly position: (row: Row) => unknown },
  view: (row: Row) => Item,
): { data: Item[]; nextCursor: string | null } {
  const shown = rows.slice(0, page.limit);
  const last = shown.at(-1);
  const hasMore = rows.length > page.limit && last !== undefined;
  return { data: shown.map(view), nextCursor: hasMore ? writeCursor(page.list, page.position(last)) : null };
}

const DIGEST_CHARACTERS = 16;

function digest(list: ListKey, position: string): string {
  return hash("sha256", JSON.stringify(["godwit cursor", list, position]), "base64url").slice(
    0,
    DIGEST_CHARACTERS,
  );
}
