import type { Stats } from "node:fs";
import { open, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { parseEnv } from "node:util";
import { GodwitError } from "../../src/core/errors.ts";
import { PLACE_NAME } from "../../src/core/place.ts";
import {
  isSecretName,
  type SecretPlace,
  type SecretSource,
  secretNotFound,
} from "../../src/ports/secrets.ts";

export interface LocalSecretsOptions {
  /** Folder with one file for each secret, `<project>/<domain>/<NAME>`. Default: none. */
  readonly folder?: string | undefined;
  /** File with a line `NAME=value` for each secret. Default: none. */
  readonly file?: string | undefined;
  /** What the names of variables begin with. Default `GODWIT_SECRET_`. */
  readonly prefix?: string | undefined;
  /** Default: that of the process, out of which secrets are taken, so that no task prints them with it. */
  readonly environment?: Readonly<Record<string, string | undefined>> | undefined;
  /** The only domain that gets what is in the file and in the environment. Default `development`. */
  readonly domain?: string | undefined;
}

type Lookup = (name: string, place: SecretPlace) => Promise<string | undefined>;

/**
 * Secrets of this machine: those of the folder first, then those of the file, then those of the environment. Files
 * and folders that others may read or replace are refused.
 *
 * @example openLocalSecrets({ folder: ".godwit/secrets" })
 */
export function openLocalSecrets(options: LocalSecretsOptions = {}): SecretSource {
  const { folder, file, domain = "development" } = options;
  const own: Lookup[] = [fromEnvironment(options)];
  if (file !== undefined) own.unshift(fromFile(resolve(file)));
  const lookups: Lookup[] = own.map((look) => async (name, place) => {
    return place.domain === domain ? look(name, place) : undefined;
  });
  if (folder !== undefined) lookups.unshift(fromFolder(resolve(folder)));
  return {
    async get(names, place) {
      const found = await Promise.all(names.map((name) => firstOf(lookups, name, place)));
      const missing = names.filter((_, at) => found[at] === undefined);
      if (missing.length > 0) throw secretNotFound(missing, place);
      return Object.fromEntries(names.map((name, at) => [name, found[at] as string]));
    },
  };
}

async function firstOf(
  lookups: readonly Lookup[],
  name: string,
  place: SecretPlace,
): Promise<string | undefined> {
  if (!isSecretName(name)) return undefined;
  for (const look of lookups) {
    place.signal?.throwIfAborted();
    const value = await look(name, place);
    if (value !== undefined) return value;
  }
  return undefined;
}

/** What was taken out of the environment of the process, for whoever asks next. */
const taken: Record<string, string> = {};

function fromEnvironment({ prefix = "GODWIT_SECRET_", environment }: LocalSecretsOptions): Lookup {
  if (environment === undefined) {
    for (const name of Object.keys(process.env).filter((key) => key.startsWith(prefix))) {
      taken[name] = process.env[name] ?? "";
      delete process.env[name];
    }
  }
  const variables = { ...(environment ?? taken) };
  return (name) => Promise.resolve(variables[prefix + name]);
}

function fromFile(path: string): Lookup {
  return async (name) => {
    const text = await readPrivate(path);
    const values = text === undefined ? {} : parseEnv(text);
    return Object.hasOwn(values, name) ? values[name] : undefined;
  };
}

function fromFolder(folder: string): Lookup {
  return async (name, { project, domain }) => {
    // Both become parts of a path.
    if (!PLACE_NAME.test(project) || !PLACE_NAME.test(domain)) return undefined;
    const text = await readPrivate(join(folder, project, domain, name));
    // Editors and `echo` end a file with a line break that is not meant.
    return text?.replace(/\r?\n$/, "");
  };
}

/** The text of a file that nobody but its owner may read or replace; undefined when there is none. */
async function readPrivate(path: string): Promise<string | undefined> {
  const handle = await open(path, "r").catch(ignoreMissing);
  if (handle === undefined) return undefined;
  try {
    // What was opened is what is checked: the path may mean another file by now.
    checkPrivate(path, await handle.stat(), OTHERS);
    checkPrivate(dirname(path), await stat(dirname(path)), OTHERS_WRITE);
    return await handle.readFile("utf8");
  } finally {
    await handle.close();
  }
}

const OTHERS = 0o077;
const OTHERS_WRITE = 0o022;

function checkPrivate(path: string, { mode, uid }: Stats, refused: number): void {
  // Windows has other rights than these.
  if (process.platform === "win32") return;
  const rights = (mode & 0o777).toString(8).padStart(4, "0");
  if ((mode & refused) !== 0) {
    throw new GodwitError("SECRET_FILE_UNSAFE", `${path} has the rights ${rights}`);
  }
  const me = process.getuid?.();
  if (uid !== me && uid !== 0)
    throw new GodwitError("SECRET_FILE_UNSAFE", `${path} belongs to somebody else`);
}

function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code === "ENOENT" || error.code === "ENOTDIR") return undefined;
  throw error;
}
