import { OPEN } from "./stores.ts";

/** Run as a process: `transfer-probe.ts speed|memory <MiB> <store> …` prints how a stream moves there and back. */
const MIB = 1024 * 1024;
const [what = "speed", size = "64", kind = "", ...args] = process.argv.slice(2);
const opened = OPEN[kind]?.(...args);
if (opened === undefined) throw new Error(`there is no store "${kind}"`);
const store = opened;
const { gc } = globalThis;
if (gc === undefined) throw new Error("run with --expose-gc");

const total = Number(size) * MIB;
const chunk = new Uint8Array(64 * 1024).fill(7);
const key = `probe/${process.pid}`;

/** Moves the stream there and back and calls `look` at every MiB. */
async function move(look: () => void): Promise<{ upMs: number; downMs: number }> {
  async function* body(): AsyncGenerator<Uint8Array> {
    for (let sent = 0; sent < total; sent += chunk.length) {
      if (sent % MIB === 0) look();
      yield chunk;
    }
  }
  const startedMs = performance.now();
  const { sha256 } = await store.put({ key, body: body() });
  const sentMs = performance.now();
  let received = 0;
  let seen = 0;
  for await (const piece of (await store.get({ key, sha256 })).body) {
    received += piece.byteLength;
    if (received - seen >= MIB) {
      look();
      seen = received;
    }
  }
  if (received !== total) throw new Error(`received ${received} of ${total} bytes`);
  return { upMs: sentMs - startedMs, downMs: performance.now() - sentMs };
}

function externalBytes(): number {
  const { external, arrayBuffers } = process.memoryUsage();
  return Math.max(external, arrayBuffers);
}

await store.put({ key, body: chunk });
gc();
const before = { external: externalBytes(), rss: process.memoryUsage().rss };
let liveBytes = 0;
let rssBytes = 0;
let looks = 0;
const { upMs, downMs } = await move(() => {
  rssBytes = Math.max(rssBytes, process.memoryUsage().rss - before.rss);
  // Collecting shows what is held, and spoils the rates.
  if (what !== "memory" || looks++ % 3 !== 0) return;
  gc();
  liveBytes = Math.max(liveBytes, externalBytes() - before.external);
});
await store.delete({ key });

const rate = (ms: number): number => Math.round(total / 1e3 / ms);
const mib = (bytes: number): number => Math.round(bytes / MIB);
const rates = { upMBs: rate(upMs), downMBs: rate(downMs) };
const memory = { liveMiB: mib(liveBytes), rssMiB: mib(rssBytes) };
console.log(JSON.stringify(what === "memory" ? memory : { ...rates, rssMiB: memory.rssMiB }));
