import { hostname } from "node:os";
import { serve } from "@hono/node-server";
import { createCoordinator } from "../../src/coordinator/app.ts";
import { EngineCore } from "../../src/engine/core.ts";
import { loseDeadRunners } from "../../src/engine/lost.ts";
import { startTicker } from "../../src/engine/ticker.ts";
import { systemClock } from "../../src/ports/clock.ts";
import { systemRandom } from "../../src/ports/random.ts";
import { openStore } from "../../src/store/open.ts";

/** A coordinator process that expects to be killed at any instruction. */
const [location, port, secret] = process.argv.slice(2);
if (location === undefined || port === undefined || secret === undefined)
  throw new Error("usage: location port secret");

const driver = await openStore(location);
// Short leases: whatever was in flight at a kill comes back within seconds.
const core = new EngineCore({ driver, clock: systemClock, random: systemRandom, leaseMs: 2_000 });
driver.watch((topic) => (topic === "*" ? core.hub.notifyAll() : core.hub.notify(topic)));
await loseDeadRunners(core, { backend: "chaos", host: hostname() }, isAlive);
startTicker(core, (error) => console.error("tick failed:", error));
const app = createCoordinator({
  core,
  auth: { mode: "open" },
  signingKey: Buffer.from(secret, "hex"),
  onLog: (entry) => console.error(entry.message, entry.error),
});
serve({ fetch: app.fetch, hostname: "127.0.0.1", port: Number(port) }, () => process.send?.("ready"));
process.on("disconnect", () => process.exit(0));

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
