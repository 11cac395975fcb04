import { hostname } from "node:os";
import { registry } from "godwit";
import { httpTransport } from "../../src/client/transport.ts";
import { issueRunnerToken } from "../../src/coordinator/auth/runner-token.ts";
import type { Transport } from "../../src/core/protocol.ts";
import { systemRandom } from "../../src/ports/random.ts";
import { Runner } from "../../src/runner/runner.ts";
import "./tasks.ts";

/** A runner process that expects to be killed; it talks to whichever coordinator answers. */
const [secret, ...endpoints] = process.argv.slice(2);
if (secret === undefined || endpoints.length === 0) throw new Error("usage: secret endpoint…");

const id = `w${systemRandom.id()}`;
const token = await issueRunnerToken(Buffer.from(secret, "hex"), {
  ...{ subject: id, pools: ["*"], id, nowMs: Date.now() },
  ttlMs: 3_600_000,
});
const transports = endpoints.map((endpoint) => httpTransport({ endpoint, token }));
let turn = Math.floor(Math.random() * transports.length);

/** Gives a coordinator 500 ms beyond what it may wait, then turns to the next. */
async function withAny<Result>(
  waitMs: number,
  signal: AbortSignal | undefined,
  use: (transport: Transport, signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  turn = (turn + 1) % transports.length;
  const timeout = AbortSignal.timeout(waitMs + 500);
  const stop = signal === undefined ? timeout : AbortSignal.any([timeout, signal]);
  return use(transports[turn] as Transport, stop);
}

const runner = new Runner({
  id,
  transport: {
    exchange: (request, signal) =>
      withAny(request.waitMs ?? 0, signal, (transport, stop) => transport.exchange(request, stop)),
    journal: (request, signal) => withAny(0, signal, (transport, stop) => transport.journal(request, stop)),
  },
  tasks: {
    find: async (_deployment, task) => {
      const found = registry.get(task);
      if (found === undefined) throw new Error(`no task ${task}`);
      return found;
    },
  },
  pools: ["*"],
  slots: 16,
  pollMs: 1_000,
  backend: "chaos",
  host: hostname(),
  pid: process.pid,
});
runner.start();
process.send?.("ready");
process.on("disconnect", () => process.exit(0));
// Declared lost while it lived (a coordinator was away for longer than a lease): a new one takes its place.
await runner.done;
process.exit(0);
