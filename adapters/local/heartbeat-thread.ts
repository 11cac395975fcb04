import { Socket } from "node:net";
import { createInterface } from "node:readline";
import { parentPort, workerData } from "node:worker_threads";
import { httpTransport } from "../../src/client/transport.ts";
import { type HeartbeatOptions, Shared, SUPERVISOR_FD } from "./heartbeat.ts";

/** Without a beat for this long, the event loop stands still. */
const STILL_MS = 1_500;
/** A limit is the process's own affair for this long after it has passed. */
const LIMIT_GRACE_MS = 1_000;
const LOOK_MS = 250;
/** How long a process without a supervisor may take to end by itself. */
const ORPHAN_MS = 2_000;
/** How often the coordinator is told; a lease lasts three times as long. */
const TELL_EVERY_MS = 10_000;

const { buffer, endpoint, hello, ...given } = workerData as HeartbeatOptions & {
  readonly buffer: SharedArrayBuffer;
};
const shared = new Shared(buffer);
let { token } = given;
const transport = httpTransport({ endpoint, token: () => token });
let beats = -1;
let beatMs = Date.now();
let toldMs = Date.now();

function look(): void {
  const nowMs = Date.now();
  const counted = Atomics.load(shared.beats, 0);
  if (counted !== beats) {
    beats = counted;
    beatMs = nowMs;
    toldMs = nowMs;
  }
  if (nowMs - beatMs < STILL_MS) return;
  const mustEndMs = shared.mustEndMs[0] ?? 0;
  // The engine sees that the limit has passed, so the supervisor has nothing to explain.
  if (mustEndMs > 0 && nowMs > mustEndMs + LIMIT_GRACE_MS) process.kill(process.pid, "SIGKILL");
  if (nowMs - toldMs < TELL_EVERY_MS) return;
  toldMs = nowMs;
  void tell();
}

/** Asks for nothing, under a number that no grant will ever have: all it does is to keep the runner known. */
async function tell(): Promise<void> {
  const signal = AbortSignal.timeout(TELL_EVERY_MS);
  const request = {
    runner: hello,
    channel: "poll",
    number: Number.MAX_SAFE_INTEGER,
    want: 0,
    waitMs: 0,
  } as const;
  await transport.exchange(request, signal).catch(() => undefined);
}

/**
 * Passes renewed tokens on to the process that this thread is part of. The supervisor holds the other end: when that
 * is gone, nobody looks after this process, which may not notice as long as its event loop stands still.
 */
function listenToSupervisor(): void {
  const pipe = new Socket({ fd: SUPERVISOR_FD, readable: true, writable: false });
  createInterface({ input: pipe }).on("line", (line) => {
    token = line;
    parentPort?.postMessage(line);
  });
  pipe.once("close", () => setTimeout(() => process.kill(process.pid, "SIGKILL"), ORPHAN_MS));
}

setInterval(look, LOOK_MS);
listenToSupervisor();
