import { hostname } from "node:os";
import { GodwitClient } from "../../src/client/client.ts";
import { httpTransport } from "../../src/client/transport.ts";
import type { RunnerHello } from "../../src/core/protocol.ts";
import { projectBlobs } from "../../src/runner/blob-places.ts";
import { bundleTasks } from "../../src/runner/bundles.ts";
import { captureConsole } from "../../src/runner/console.ts";
import { ExecutionWatch } from "../../src/runner/execution-watch.ts";
import { remoteStarter } from "../../src/runner/remote-starter.ts";
import { Runner } from "../../src/runner/runner.ts";
import { leaseHeaders } from "../../src/runner/session-requests.ts";
import { guardProcess } from "../../src/runner/stray.ts";
import { configureRuns } from "../../src/sdk/starter.ts";
import { runnerBlobs } from "../remote/open.ts";
import { openLocalBlobs } from "./blobs.ts";
import { fetchBundle } from "./fetch-bundle.ts";
import { Heartbeat } from "./heartbeat.ts";
import { type ChildOptions, type FromChild, START_AGAIN, type ToChild } from "./messages.ts";
import { openLocalSecrets } from "./secrets.ts";

/** A process that executes actions: started by a supervisor, ends with it. */
function serve(options: ChildOptions): Runner {
  const {
    endpoint,
    runner: id,
    pools,
    slots,
    backend,
    dir,
    root,
    secretsDir,
    secretsDomain,
    blobsDir,
  } = options;
  const hello: RunnerHello = {
    id,
    pools,
    slots: slots ?? DEFAULT_SLOTS,
    backend,
    host: hostname(),
    pid: process.pid,
  };
  const heartbeat = new Heartbeat({ endpoint, token: options.token, hello });
  const token = (): string | undefined => heartbeat.token;
  const watch = new ExecutionWatch(({ mustEndMs, hasUnknown }) => {
    heartbeat.mustEndAt(mustEndMs);
    process.send?.({ type: "state", hasUnknown } satisfies FromChild);
  });
  const tasks = bundleTasks({
    dir,
    fetch: fetchBundle({ endpoint, token }),
    ...(root !== undefined && { root }),
  });
  const runner = new Runner({
    ...hello,
    transport: watch.transport(httpTransport({ endpoint, token })),
    tasks: watch.tasks(tasks),
    secrets: openLocalSecrets({ folder: secretsDir, domain: secretsDomain }),
    blobs:
      blobsDir === undefined
        ? runnerBlobs({ endpoint, token })
        : projectBlobs(openLocalBlobs({ folder: blobsDir })),
  });
  configureRuns(remoteStarter(new GodwitClient({ endpoint, token, headers: leaseHeaders })));
  captureConsole({ tee: false });
  guardProcess();
  runner.start();
  void runner.done.then(() => endSoon(START_AGAIN));
  return runner;
}

const DEFAULT_SLOTS = 100;

let isStopping = false;

/** The runner stopped by itself: the coordinator does not know it any more. */
function endSoon(exitCode: number): void {
  if (!isStopping) process.exit(exitCode);
}

function main(): void {
  // Ctrl-C reaches the whole process group; the supervisor decides what it means.
  for (const signal of ["SIGINT", "SIGHUP"] as const) process.on(signal, () => undefined);
  process.once("disconnect", () => process.exit(1));
  let runner: Runner | undefined;
  process.on("message", (message: ToChild) => {
    if (message.type === "start") runner = serve(message.options);
    else void stop(runner, message.graceMs);
  });
}

async function stop(runner: Runner | undefined, graceMs: number): Promise<void> {
  isStopping = true;
  await runner?.stop({ graceMs });
  process.exit(0);
}

main();
