import { randomBytes } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { registry } from "godwit";
import "./tasks.ts";
import { decodeValue, encodeValue } from "../../src/core/value.ts";
import { EngineCore } from "../../src/engine/core.ts";
import { readOutcome, waitForRun } from "../../src/engine/read.ts";
import { startRun } from "../../src/engine/start.ts";
import { systemClock } from "../../src/ports/clock.ts";
import { systemRandom } from "../../src/ports/random.ts";
import { readOutcomes } from "../../src/store/actions.ts";
import { insertDeployment, wholeDeployment } from "../../src/store/deployments.ts";
import { openStore } from "../../src/store/open.ts";
import { programs } from "./programs.ts";
import { Storm } from "./storm.ts";

export interface ChaosOptions {
  readonly runs: number;
  /** `postgres://…`; default: SQLite in a folder of its own. */
  readonly databaseUrl?: string;
  readonly coordinators?: number;
  readonly runners?: number;
  /** Runs in flight at once. */
  readonly concurrency?: number;
}

export interface ChaosReport {
  readonly runs: number;
  readonly kills: number;
  readonly seconds: number;
  /** Runs whose result differs from the undisturbed one, with both. */
  readonly wrong: readonly string[];
  /** Executions of leaves, and how many were needed. */
  readonly executions: number;
  readonly leaves: number;
  /** Leaves that were executed again because a kill met them in flight. */
  readonly repeated: number;
  /** Executions that began after their action had settled: must be none. */
  readonly late: readonly string[];
}

const DEPLOYMENT = "chaos";
const LONGEST_MS = 240_000;

/** Runs mixed workflows on real processes that are killed all the time, and tells what came out. */
export async function chaos(options: ChaosOptions): Promise<ChaosReport> {
  const folder = await mkdtemp(join(tmpdir(), "godwit-chaos-"));
  const location = options.databaseUrl ?? folder;
  const log = join(folder, "executions.log");
  const secret = randomBytes(32).toString("hex");
  const driver = await openStore(location);
  const core = new EngineCore({ driver, clock: systemClock, random: systemRandom });
  const unwatch = driver.watch((topic) => (topic === "*" ? core.hub.notifyAll() : core.hub.notify(topic)));
  await driver.transaction((sql) =>
    insertDeployment(sql, wholeDeployment({ id: DEPLOYMENT, nowMs: Date.now() }), tasks()),
  );
  const storm = new Storm();
  const endpoints: string[] = [];
  for (let i = 0; i < (options.coordinators ?? 2); i++) {
    const port = await freePort();
    endpoints.push(`http://127.0.0.1:${port}`);
    storm.add(
      `coordinator ${i}`,
      new URL("./coordinator.ts", import.meta.url),
      [location, String(port), secret],
      {},
    );
  }
  for (let i = 0; i < (options.runners ?? 3); i++) {
    storm.add(`runner ${i}`, new URL("./runner.ts", import.meta.url), [secret, ...endpoints], {
      CHAOS_LOG: log,
    });
  }
  const startedMs = performance.now();
  storm.begin();
  try {
    const finished = await runAll(core, options);
    const seconds = (performance.now() - startedMs) / 1_000;
    storm.end();
    const executed = existsSync(log) ? readFileSync(log, "utf8").trim().split("\n") : [];
    return {
      runs: options.runs,
      kills: storm.kills,
      seconds,
      wrong: finished,
      ...(await checkExecutions(core, executed)),
    };
  } finally {
    storm.end();
    unwatch();
    await driver.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Starts every program and waits for it; gives the runs that ended differently than expected. */
async function runAll(core: EngineCore, options: ChaosOptions): Promise<string[]> {
  const queue = programs(options.runs);
  const wrong: string[] = [];
  const worker = async (): Promise<void> => {
    for (let program = queue.shift(); program !== undefined; program = queue.shift()) {
      const { task, input, expected } = program;
      const id = await startRun(core, {
        task,
        input: encodeValue(input),
        deployment: DEPLOYMENT,
        pool: DEPLOYMENT,
      });
      await waitForRun(core, id, LONGEST_MS);
      const outcome = await readOutcome(core, id);
      const isRight = outcome?.ok === true && isDeepStrictEqual(decodeValue(outcome.value), expected);
      if (!isRight)
        wrong.push(
          `${id} ${task}(${input}): ${JSON.stringify(outcome)} instead of ${JSON.stringify(expected)}`,
        );
    }
  };
  await Promise.all(Array.from({ length: options.concurrency ?? 10 }, worker));
  return wrong;
}

async function checkExecutions(
  core: EngineCore,
  lines: readonly string[],
): Promise<Pick<ChaosReport, "executions" | "leaves" | "repeated" | "late">> {
  const keys = new Map<string, { run_id: string; action_id: string }>();
  for (const line of lines) {
    const [, run = "", action = ""] = line.split(" ");
    keys.set(`${run} ${action}`, { run_id: run, action_id: action });
  }
  const rows = await core.driver.read((sql) => readOutcomes(sql, [...keys.values()]));
  const endedMs = new Map(rows.map((row) => [`${row.run_id} ${row.id}`, row.ended_ms]));
  const late = lines.filter((line) => {
    const [at = "", run = "", action = ""] = line.split(" ");
    const ended = endedMs.get(`${run} ${action}`);
    return ended != null && Number(at) > ended;
  });
  // One execution each, and one more for every attempt that failed by itself: the rest was met by a kill.
  const retried = await core.driver.read((sql) =>
    sql.all<{ count: number }>("SELECT count(*) AS count FROM attempts WHERE end_kind = 'user'"),
  );
  const repeated = lines.length - keys.size - Number(retried[0]?.count ?? 0);
  return { executions: lines.length, leaves: keys.size, repeated, late };
}

function tasks(): Parameters<typeof insertDeployment>[2] {
  const empty = {
    description: null,
    input_schema: null,
    output_schema: null,
    options: "{}",
    code_hash: null,
  };
  return registry.list().map(({ name }) => ({ deployment: DEPLOYMENT, name, ...empty }));
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}
