import { parseArgs } from "node:util";
import { startPostgres } from "../setup/postgres.ts";
import { chaos } from "./chaos.ts";

/** `npm run chaos -- [--store sqlite|postgres] [--runs N]`: the full form; both stores by default. */
const { values } = parseArgs({
  options: { store: { type: "string" }, runs: { type: "string", default: "200" } },
});
const stores = values.store === undefined ? ["sqlite", "postgres"] : [values.store];
/** What one kill can meet in flight: see `runner.ts`. */
const SLOTS = 16;
let isGood = true;
for (const store of stores) {
  const server = store === "postgres" ? await startPostgres({ fsync: true }) : null;
  const report = await chaos({
    runs: Number(values.runs),
    ...(server === null ? {} : { databaseUrl: server.url }),
  });
  await server?.stop();
  process.stdout.write(`${store} ${JSON.stringify(report, null, 2)}\n`);
  isGood &&= report.wrong.length === 0 && report.late.length === 0 && report.repeated <= report.kills * SLOTS;
}
process.exitCode = isGood ? 0 : 1;
