import { statfs } from "node:fs/promises";
import { transform } from "esbuild";
import { GodwitClient } from "../../client/client.ts";
import { formatBytes } from "../../core/bytes.ts";
import { formatDuration } from "../../core/duration.ts";
import { GodwitError } from "../../core/errors.ts";
import { databaseUrl, openLocal } from "../../local/system.ts";
import type { Cli } from "../cli.ts";

/** What a check found out. */
export interface Finding {
  readonly name: string;
  readonly state: "ok" | "warning" | "failed" | "skipped";
  readonly detail: string;
  readonly hint?: string;
  /** Why it failed. */
  readonly error?: unknown;
}

const RECOMMENDED_NODE = 24;
const LOW_DISK_BYTES = 1024 ** 3;
const MAX_SKEW_MS = 30_000;

type Check = (cli: Cli) => Promise<Finding>;

const node: Check = async () => {
  // The launcher refuses versions that do not work at all.
  const isOld = Number(process.versions.node.split(".")[0]) < RECOMMENDED_NODE;
  const detail = `Node.js ${process.version}`;
  return isOld
    ? {
        name: "node",
        state: "warning",
        detail,
        hint: `Node.js ${RECOMMENDED_NODE} is what Godwit is developed on.`,
      }
    : { name: "node", state: "ok", detail };
};

const bundler: Check = async () => {
  try {
    await transform("let a: number = 1", { loader: "ts" });
    return { name: "bundler", state: "ok", detail: "esbuild works" };
  } catch (error) {
    return failed("bundler", error, "Install again, and allow the install script of esbuild.");
  }
};

const configuration: Check = async ({ config, configFault }) => {
  const name = "config";
  if (configFault !== undefined) return failed(name, configFault);
  const { files, settings } = config;
  const [first, ...more] = config.warnings;
  const of = settings.profile.value === undefined ? "" : `, profile ${settings.profile.value}`;
  const detail = `${files.length === 0 ? "no file" : files.join(", ")}${of}`;
  if (first === undefined) return { name, state: "ok", detail };
  return { name, state: "warning", detail, hint: [first, ...more].join(". ") };
};

/** Where to look is not known while the configuration cannot be read. */
function configured(name: string, check: Check): Check {
  return async (cli) => (cli.configFault === undefined ? check(cli) : { name, state: "skipped", detail: "" });
}

const store: Check = async ({ dataDir }) => {
  try {
    const system = await openLocal({ dataDir });
    const startedMs = performance.now();
    await system.core.driver.transaction((sql) => sql.run("UPDATE migrations SET name = name"));
    const tookMs = performance.now() - startedMs;
    await system.close();
    const url = databaseUrl(undefined);
    const place = url === undefined ? system.folder.path : new URL(url).host;
    return { name: "store", state: "ok", detail: `${place}, a commit takes ${formatDuration(tookMs)}` };
  } catch (error) {
    return failed("store", error);
  }
};

const disk: Check = async ({ dataDir }) => {
  try {
    const { bavail, bsize } = await statfs(dataDir ?? ".");
    const free = bavail * bsize;
    const detail = `${formatBytes(free)} free`;
    if (free >= LOW_DISK_BYTES) return { name: "disk", state: "ok", detail };
    return { name: "disk", state: "warning", detail, hint: "A full disk stops every run." };
  } catch {
    return { name: "disk", state: "skipped", detail: "" };
  }
};

const endpoint: Check = async ({ endpoint: url, token }) => {
  if (url === undefined) return { name: "endpoint", state: "skipped", detail: "" };
  try {
    const startedMs = performance.now();
    await new GodwitClient({ endpoint: url, token }).checkReady();
    return {
      name: "endpoint",
      state: "ok",
      detail: `${url} answers in ${formatDuration(performance.now() - startedMs)}`,
    };
  } catch (error) {
    return failed("endpoint", error);
  }
};

const clock: Check = async ({ endpoint: url }) => {
  if (url === undefined) return { name: "clock", state: "skipped", detail: "" };
  try {
    const reply = await fetch(new URL("/healthz", url));
    const theirs = Date.parse(reply.headers.get("date") ?? "");
    const skewMs = Math.abs(Date.now() - theirs);
    if (!(skewMs > MAX_SKEW_MS)) return { name: "clock", state: "ok", detail: "agrees with the endpoint's" };
    const detail = `${formatDuration(skewMs)} apart from the endpoint's`;
    return { name: "clock", state: "warning", detail, hint: "Set the clock of this machine." };
  } catch {
    return { name: "clock", state: "skipped", detail: "" };
  }
};

/** In the order in which a fault explains the next one. */
export const CHECKS: readonly Check[] = [
  node,
  bundler,
  configuration,
  configured("store", store),
  configured("disk", disk),
  configured("endpoint", endpoint),
  configured("clock", clock),
];

function failed(name: string, error: unknown, hint?: string): Finding {
  const known = error instanceof GodwitError ? error : undefined;
  const detail = error instanceof Error ? error.message : String(error);
  const told = hint ?? known?.hint;
  return { name, state: "failed", detail, error, ...(told !== undefined && { hint: told }) };
}
