import { GodwitClient } from "../src/client/client.ts";
import { ROOT_ACTION } from "../src/core/identity.ts";
import type { SuspendMode } from "../src/core/protocol.ts";
import { encodeValue } from "../src/core/value.ts";
import { readOutcome, waitForRun, watchEvents } from "../src/engine/read.ts";
import { startRun } from "../src/engine/start.ts";
import { percentiles } from "./figures.ts";
import type { System } from "./system.ts";

export interface Workload {
  /** Default size. */
  readonly n: number;
  /** How the yardstick groups its commits: like the workload could at best. */
  readonly perCommit: number;
  run(system: System, n: number, suspend: SuspendMode): Promise<Measured>;
}

export interface Measured {
  readonly count: number;
  /** When something else than the whole run is measured. */
  readonly seconds?: number;
  readonly p50Ms?: number;
  readonly p99Ms?: number;
}

const DEPLOYMENT = "bench";
const LONGEST_MS = 600_000;

/** Runs a task to its end and checks its result, so that a figure never comes from a run that failed. */
async function finish(
  system: System,
  task: string,
  input: number,
  expected: number,
  suspend: SuspendMode = "auto",
): Promise<string> {
  const start = {
    task: `bench.${task}`,
    input: encodeValue(input),
    deployment: DEPLOYMENT,
    pool: DEPLOYMENT,
    suspendMode: suspend,
  };
  const id = await startRun(system.core, start);
  await waitForRun(system.core, id, LONGEST_MS);
  const outcome = await readOutcome(system.core, id);
  if (outcome?.ok !== true || outcome.value !== encodeValue(expected)) {
    throw new Error(
      `${task}(${input}) gave ${JSON.stringify(outcome)?.slice(0, 500)} instead of ${expected}`,
    );
  }
  return id;
}

const sum = (n: number): number => (n * (n - 1)) / 2;

export const WORKLOADS: Readonly<Record<string, Workload>> = {
  "fan-out": {
    n: 10_000,
    perCommit: 100,
    async run(system, n, suspend) {
      await finish(system, "fanOut", n, sum(n), suspend);
      return { count: n + 1 };
    },
  },
  map: {
    n: 10_000,
    perCommit: 100,
    async run(system, n, suspend) {
      await finish(system, "fanOutMap", n, sum(n), suspend);
      return { count: n + 1 };
    },
  },
  sequence: {
    n: 1_000,
    perCommit: 1,
    async run(system, n, suspend) {
      await finish(system, "sequence", n, sum(n), suspend);
      return { count: n + 1 };
    },
  },
  // How long a parked parent with N results takes from its lease to its end: the replay of its whole journal.
  resume: {
    n: 20_000,
    perCommit: 100,
    async run(system, n) {
      const id = await finish(system, "resume", n, sum(n), "always");
      return { count: n, seconds: await lastExecution(system, id) };
    },
  },
  latency: {
    n: 300,
    perCommit: 1,
    async run(system, n) {
      const once = startAndWait(system);
      const samples: number[] = [];
      for (let i = 0; i < n; i++) {
        const startedMs = performance.now();
        await once(i);
        samples.push(performance.now() - startedMs);
      }
      return { count: n, ...percentiles(samples) };
    },
  },
  throughput: {
    n: 5_000,
    perCommit: 50,
    async run(system, n) {
      const once = startAndWait(system);
      const samples: number[] = [];
      let next = 0;
      const worker = async (): Promise<void> => {
        for (let i = next++; i < n; i = next++) {
          const startedMs = performance.now();
          await once(i);
          samples.push(performance.now() - startedMs);
        }
      };
      await Promise.all(Array.from({ length: 50 }, worker));
      return { count: n, ...percentiles(samples) };
    },
  },
};

/** Seconds from the last time the root was leased to the end of the run. */
async function lastExecution(system: System, id: string): Promise<number> {
  let leasedMs = 0;
  let endedMs = 0;
  for await (const events of watchEvents(system.core, id)) {
    for (const event of events) {
      const isLease = event.type === "action" && event.action === ROOT_ACTION && event.phase === "running";
      if (isLease) leasedMs = event.atMs;
      if (event.type === "run") endedMs = event.atMs;
    }
  }
  return (endedMs - leasedMs) / 1_000;
}

/** Starts a one-task run and waits for its result: over HTTP as a client would where there is a server. */
function startAndWait(system: System): (input: number) => Promise<void> {
  if (system.endpoint === null) {
    return async (input) => {
      await finish(system, "leaf", input, input);
    };
  }
  const client = new GodwitClient({ endpoint: system.endpoint });
  return async (input) => {
    const started = await client.startRun(
      { task: "bench.leaf", input, deployment: DEPLOYMENT },
      { wait: "20s" },
    );
    if (started.phase !== "succeeded") throw new Error(`leaf(${input}) gave ${JSON.stringify(started)}`);
  };
}
