import { availableParallelism } from "node:os";
import { openLocalBlobs } from "../../../adapters/local/blobs.ts";
import { startLocalRunners } from "../../../adapters/local/runners.ts";
import { createCoordinator } from "../../coordinator/app.ts";
import { loseDeadLocalRunners, openLocal } from "../../local/system.ts";
import { systemRandom } from "../../ports/random.ts";
import { BLOBS_PATH, listenFirst, serveFolder } from "../../server/folder-blobs.ts";
import { stopAsked } from "../../server/stop-signal.ts";
import type { Cli, Invocation } from "../cli.ts";
import { EXIT } from "../exit-code.ts";
import { readWholeNumber } from "../flags/whole-number.ts";
import { tellError } from "../tell-error.ts";
import { type Verb, withExamples } from "../verb.ts";

const DEFAULT_PORT = 8787;
const MAX_RUNNERS = 4;
const STOP_GRACE_MS = 2_000;

interface DevOptions {
  readonly port: number;
  readonly runners: number;
  readonly slots: number | undefined;
  readonly heap: number | undefined;
}

export const verb: Verb = {
  configure(command) {
    withExamples(command, [
      "godwit dev",
      "godwit dev --port 9000 --runners 2",
      "godwit run hello.ts main --endpoint http://127.0.0.1:8787",
    ]);
    command
      .option("--port <number>", `port on this machine, 0 for any that is free (default ${DEFAULT_PORT})`)
      .option("--runners <number>", "processes that execute tasks")
      .option("--slots <number>", "actions that each of them executes at once")
      .option("--heap <MiB>", "memory for the JavaScript heap of each");
  },
  async run(cli, invocation) {
    const options = read(invocation);
    const { terminal } = cli;
    const system = await openLocal({ dataDir: cli.dataDir, onError: (error) => tellError(cli, error) });
    const { core, folder } = system;
    const { server, app } = await listenFirst({ port: options.port });
    const signing = { baseUrl: server.url + BLOBS_PATH, secret: systemRandom.nonce(32) };
    const blobs = openLocalBlobs({ folder: folder.blobs, signing, clock: core.clock });
    const coordinator = createCoordinator({
      core,
      auth: { mode: "open" },
      signingKey: new TextEncoder().encode(systemRandom.nonce(32)),
      blobs,
      onLog: ({ message, error }) => tellError(cli, error ?? message),
    });
    serveFolder(coordinator, { store: blobs, signing, nowMs: () => core.clock.now() });
    app.resolve(coordinator);
    await loseDeadLocalRunners(core);
    system.startTicking();
    const runners = startRunners(cli, options, {
      endpoint: server.url,
      dir: folder.bundles,
      secretsDir: folder.secrets,
      blobsDir: folder.blobs,
    });
    terminal.data(`godwit dev serves ${server.url} (${options.runners} runners, data in ${folder.path})`);
    await stopAsked();
    terminal.note("stopping; press Ctrl-C again to force");
    await runners.stop({ graceMs: STOP_GRACE_MS });
    await server.close();
    await system.close();
    return EXIT.ok;
  },
};

function startRunners(
  { terminal }: Cli,
  { runners: count, slots, heap }: DevOptions,
  at: {
    readonly endpoint: string;
    readonly dir: string;
    readonly secretsDir: string;
    readonly blobsDir: string;
  },
): ReturnType<typeof startLocalRunners> {
  return startLocalRunners({
    ...at,
    count,
    root: process.cwd(),
    ...(slots !== undefined && { slots }),
    ...(heap !== undefined && { heapMiB: heap }),
    onDeath: ({ detail }) =>
      terminal.note(terminal.paint("yellow", `a runner died (${detail}); another takes over`)),
    onOutput: (text) => terminal.draw(text),
  });
}

function read({ options }: Invocation): DevOptions {
  return {
    port: readWholeNumber(options["port"], "--port", 0) ?? DEFAULT_PORT,
    runners:
      readWholeNumber(options["runners"], "--runners", 0) ?? Math.min(availableParallelism(), MAX_RUNNERS),
    slots: readWholeNumber(options["slots"], "--slots", 1),
    heap: readWholeNumber(options["heap"], "--heap", 16),
  };
}
