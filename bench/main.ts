import { parseArgs } from "node:util";
import { percentiles, round, watchMemory } from "./figures.ts";
import { openSystem } from "./system.ts";
import { WORKLOADS } from "./workloads.ts";
import { bareLoop } from "./yardstick.ts";

const USAGE = `usage: npm run -s bench -- <name> [--n N] [--store sqlite|postgres] [--transport inproc|http]
                               [--suspend auto|always|never] [--repeat R] [--json]
names: ${Object.keys(WORKLOADS).join(", ")}
`;

/** Runs one workload `repeat` times on durable storage and prints one JSON object with the median run. */
async function main(argv: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: argv,
    allowPositionals: true,
    options: {
      n: { type: "string" },
      store: { type: "string", default: "sqlite" },
      transport: { type: "string", default: "inproc" },
      suspend: { type: "string", default: "auto" },
      runners: { type: "string", default: "2" },
      repeat: { type: "string", default: "3" },
      json: { type: "boolean", default: false },
    },
  });
  const [name] = positionals;
  const workload = name === undefined ? undefined : WORKLOADS[name];
  const { store, transport, suspend } = values;
  const n = values.n === undefined ? (workload?.n ?? 0) : Number(values.n);
  if (
    workload === undefined ||
    !isOneOf(store, ["sqlite", "postgres"]) ||
    !isOneOf(transport, ["inproc", "http"]) ||
    !isOneOf(suspend, ["auto", "always", "never"]) ||
    !(n >= 1)
  ) {
    process.stderr.write(USAGE);
    return 2;
  }
  const system = await openSystem({ store, transport, runners: Number(values.runners) });
  const keepAlive = setInterval(() => undefined, 1_000);
  const peakMb = watchMemory(() => system.pids);
  try {
    // The first run pays for compiling the code, the statements and the plans; it is not measured.
    await workload.run(system, Math.min(n, 200), suspend);
    const runs: { seconds: number; bareSeconds: number; count: number; p50Ms?: number; p99Ms?: number }[] =
      [];
    for (let i = 0; i < Number(values.repeat); i++) {
      const startedMs = performance.now();
      const measured = await workload.run(system, n, suspend);
      const seconds = (performance.now() - startedMs) / 1_000;
      const bareSeconds = await bareLoop(measured.count, workload.perCommit);
      runs.push({ bareSeconds, ...measured, seconds: measured.seconds ?? seconds });
    }
    const median = [...runs].sort((a, b) => a.seconds - b.seconds)[Math.floor((runs.length - 1) / 2)];
    if (median === undefined) throw new Error("nothing was measured");
    const each = percentiles([(median.seconds * 1_000) / median.count]);
    const figures = {
      name,
      n,
      seconds: round(median.seconds),
      perSecond: Math.round(median.count / median.seconds),
      p50Ms: median.p50Ms ?? each.p50Ms,
      p99Ms: median.p99Ms ?? each.p99Ms,
      peakRssMb: peakMb(),
      store,
      transport,
      suspend,
      node: process.version,
      ratioToBareLoop: round(median.seconds / median.bareSeconds),
      runs: runs.map(({ seconds }) => round(seconds)),
    };
    process.stdout.write(`${JSON.stringify(figures, null, values.json ? 0 : 2)}\n`);
  } finally {
    peakMb();
    clearInterval(keepAlive);
    await system.close();
  }
  return 0;
}

function isOneOf<Option extends string>(value: string, options: readonly Option[]): value is Option {
  return (options as readonly string[]).includes(value);
}

process.exitCode = await main(process.argv.slice(2));
