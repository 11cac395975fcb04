import { createHmac, randomBytes } from "node:crypto";
import { link, mkdir, open, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { GodwitError } from "../core/errors.ts";

const KEY_BYTES = 32;

/**
 * A signing key as it is given: base64 of at least 32 bytes.
 *
 * @throws GodwitError CONFIG_INVALID, without the value
 */
export function parseSigningKey(text: string, from: string): Uint8Array {
  const given = text.trim();
  const isBase64 = /^[A-Za-z0-9+/_-]+={0,2}$/.test(given);
  const key = Buffer.from(given, "base64");
  if (isBase64 && key.length >= KEY_BYTES) return new Uint8Array(key);
  const what = isBase64 ? `has ${key.length} bytes, and needs ${KEY_BYTES}` : "is not base64";
  throw new GodwitError("CONFIG_INVALID", `the signing key in ${from} ${what}`, {
    hint: `Make one with \`openssl rand -base64 ${KEY_BYTES}\`.`,
  });
}

/**
 * The signing key that is kept in a file, made when there is none. Of several processes that start at once, one makes
 * it and the others read it.
 *
 * @throws GodwitError CONFIG_INVALID when others may read the file, or it holds no key
 */
export async function keptSigningKey(path: string): Promise<Uint8Array> {
  const kept = await readKept(path);
  if (kept !== undefined) return kept;
  await makeKept(path);
  return keptSigningKey(path);
}

/** A secret for one purpose that follows from the signing key, and from which that does not follow. */
export function secretFrom(key: Uint8Array, purpose: string): string {
  return createHmac("sha256", key).update(purpose).digest("base64url");
}

async function readKept(path: string): Promise<Uint8Array | undefined> {
  const handle = await open(path, "r").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw unusable(path, error.message, error);
  });
  if (handle === undefined) return undefined;
  try {
    const { mode } = await handle.stat();
    const isOpen = process.platform !== "win32" && (mode & 0o077) !== 0;
    if (isOpen) throw unusable(path, `others may read it (its rights are 0${(mode & 0o777).toString(8)})`);
    return parseSigningKey(await handle.readFile("utf8"), path);
  } finally {
    await handle.close();
  }
}

/** Whole or not at all: whoever reads it meanwhile must not see half of a key. */
async function makeKept(path: string): Promise<void> {
  const draft = `${path}.${randomBytes(8).toString("hex")}`;
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(draft, `${randomBytes(KEY_BYTES).toString("base64")}\n`, { mode: 0o600, flush: true });
    await link(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST")
      throw unusable(path, (error as Error).message, error);
  } finally {
    await rm(draft, { force: true });
  }
}

function unusable(path: string, why: string, cause?: unknown): GodwitError {
  return new GodwitError("CONFIG_INVALID", `the signing key ${path} cannot be used: ${why}`, {
    cause,
    hint: "Give the file the rights 0600, or set GODWIT_SIGNING_KEY.",
  });
}
