import type { ExchangeRequest } from "../core/protocol.ts";
import type { Sql } from "../store/driver.ts";
import { deleteLostLeases } from "../store/leases.ts";
import { extendRunner, insertRunner, type RunnerRow, readRunner } from "../store/runners.ts";
import type { EngineCore } from "./core.ts";
import { hasContent } from "./report.ts";

/** The runner that asks; undefined when it was declared lost. Its first exchange makes it known. */
export async function register(core: EngineCore, request: ExchangeRequest): Promise<RunnerRow | undefined> {
  const { runner } = request;
  const find = (): Promise<RunnerRow | undefined> => core.driver.read((sql) => readCaller(sql, request));
  const known = await find();
  if (known !== undefined) await keepAlive(core, known);
  else {
    // Only a runner's first exchange makes it known: one that was declared lost must learn that, not come back.
    if (request.registeredMs !== undefined || request.number !== 1 || hasContent(request)) return undefined;
    const nowMs = core.clock.now();
    await core.driver.transaction((sql) => insertRunner(sql, runner, nowMs, nowMs + core.leaseMs));
  }
  const heard = request.heardLost ?? [];
  if (heard.length > 0) await core.driver.transaction((sql) => deleteLostLeases(sql, runner.id, heard));
  return known ?? find();
}

/**
 * The row of the runner that asks. A late copy of its first exchange may have made a new one after it was declared
 * lost. It must not go on with that: what was granted under its numbers then would never reach it.
 */
export async function readCaller(sql: Sql, request: ExchangeRequest): Promise<RunnerRow | undefined> {
  const row = await readRunner(sql, request.runner.id);
  const { registeredMs = row?.registered_ms } = request;
  return row?.registered_ms === registeredMs ? row : undefined;
}

/** Extends a runner's life when a third of it has passed; most exchanges write nothing. */
export async function keepAlive(core: EngineCore, runner: RunnerRow): Promise<void> {
  const nowMs = core.clock.now();
  if (runner.expires_ms - nowMs > (core.leaseMs * 2) / 3) return;
  await core.driver.transaction((sql) => extendRunner(sql, runner.id, nowMs + core.leaseMs));
}
