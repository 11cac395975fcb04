import { hostname } from "node:os";
import { openLocalBlobs } from "../../../adapters/local/blobs.ts";
import { openLocalSecrets } from "../../../adapters/local/secrets.ts";
import { GodwitError } from "../../core/errors.ts";
import { isTerminal, type TerminalPhase } from "../../core/phase.ts";
import type { LogReport } from "../../core/protocol.ts";
import { abort } from "../../engine/abort.ts";
import { directTransport } from "../../engine/direct.ts";
import { privatePool } from "../../engine/hub.ts";
import { watchEvents } from "../../engine/read.ts";
import { engineStarter, readWholeOutcome } from "../../local/starter.ts";
import { type LocalSystem, openLocal } from "../../local/system.ts";
import { systemRandom } from "../../ports/random.ts";
import { type OpenBlobs, projectBlobs } from "../../runner/blob-places.ts";
import { type BundleTasks, bundleTasks } from "../../runner/bundles.ts";
import { captureConsole } from "../../runner/console.ts";
import { ExecutionWatch } from "../../runner/execution-watch.ts";
import { Runner } from "../../runner/runner.ts";
import { guardProcess } from "../../runner/stray.ts";
import { ValueStore } from "../../runner/values.ts";
import type { TaskDefinition } from "../../sdk/definition.ts";
import { configureRuns } from "../../sdk/starter.ts";
import { parseToken } from "../../store/leases.ts";
import type { Cli } from "../cli.ts";
import { Complaints } from "../complaints.ts";
import { exitCodeOfRun } from "../exit-code.ts";
import { openFollower } from "../follow/follow.ts";
import type { Follower } from "../follow/follower.ts";
import { printResult } from "../print-result.ts";
import type { Supervisor } from "./supervisor.ts";

/** What an execution executes, and where the runs belong that its tasks start. */
export interface ExecutedCode {
  readonly deployment: string;
  /** SHA-256 of the code. */
  readonly bundle: string;
  readonly project: string;
  readonly domain: string;
}

export interface ExecutionOptions {
  /** Folder of the project whose tasks are executed. */
  readonly root: string;
  /** Gets a bundle that is not in the data folder. */
  readonly fetch?: (hash: string) => Promise<Uint8Array>;
}

const STOP_GRACE_MS = 500;

/** Executes runs in this process: engine, runner, and the terminal that shows them. */
export class LocalExecution {
  readonly system: LocalSystem;
  readonly tasks: BundleTasks;
  /** Pool of this process alone. */
  readonly pool: string;
  /** Large values of its runs. */
  readonly values: ValueStore;
  readonly #blobs: OpenBlobs;
  readonly #cli: Cli;
  readonly #supervisor: Supervisor;
  readonly #runner: string;
  #follower: Follower | undefined;
  #isInterrupted = false;
  /** The last event that was shown. */
  #shown = 0;
  #active: Runner | undefined;

  constructor(cli: Cli, supervisor: Supervisor, system: LocalSystem, options: ExecutionOptions) {
    this.#cli = cli;
    this.#supervisor = supervisor;
    this.system = system;
    this.#blobs = projectBlobs(openLocalBlobs({ folder: system.folder.blobs }));
    this.values = new ValueStore({ blobs: this.#blobs });
    this.#runner = `w${systemRandom.id()}`;
    this.pool = privatePool(this.#runner);
    const fetch = options.fetch ?? missing;
    this.tasks = bundleTasks({ dir: system.folder.bundles, root: options.root, fetch });
  }

  /** Starts to execute what is in its own pool, and in that of `deployment` when it goes on with an older run. */
  start(code: ExecutedCode, pools: readonly string[] = []): void {
    const { bundle, ...place } = code;
    const { core, folder } = this.system;
    const complaints = new Complaints(this.#cli.terminal);
    const watch = new ExecutionWatch((state) => this.#supervisor.tellState(state));
    const runner = new Runner({
      id: this.#runner,
      transport: watch.transport(directTransport(core), (logs) => this.#showLogs(logs)),
      tasks: watch.tasks(this.tasks),
      secrets: openLocalSecrets({ folder: folder.secrets }),
      pools: [this.pool, ...pools],
      backend: "local",
      host: hostname(),
      pid: process.pid,
      onRetry: (error) => complaints.add(error),
      blobs: this.#blobs,
    });
    const find = async (task: string): Promise<TaskDefinition> => (await this.tasks.load(bundle)).get(task);
    configureRuns(engineStarter(core, { ...place, pool: this.pool, find, values: this.values }));
    captureConsole({ tee: false });
    guardProcess();
    this.#supervisor.tellRunner(this.#runner, folder.path);
    this.system.startTicking();
    runner.start();
    this.#active = runner;
  }

  /** Shows a run until it has ended, prints its result and ends the process. */
  async follow(run: string): Promise<never> {
    const { core } = this.system;
    const { terminal } = this.#cli;
    const { resume } = this.#supervisor;
    const shown = { isResumed: resume !== undefined, after: resume?.after ?? 0 };
    const follower = openFollower(terminal, { run, url: null, isLive: terminal.isLive, ...shown });
    this.#follower = follower;
    this.#supervisor.tellRun(run);
    // Nothing else holds the process: the timers of the engine never do.
    setInterval(() => undefined, 2 ** 30);
    this.#supervisor.onInterrupt((exitCode) => void this.#interrupt(run, exitCode));
    for await (const events of watchEvents(core, run)) {
      follower.show(events);
      this.#shown = events.at(-1)?.seq ?? this.#shown;
      this.#supervisor.tellShown(this.#shown);
    }
    // The end was asked for, and whoever asked ends the process.
    if (this.#isInterrupted) return new Promise(() => undefined);
    follower.end();
    const { phase } = follower.tree;
    const outcome = await readWholeOutcome(core, run, this.values);
    if (isTerminal(phase)) printResult(this.#cli, { run, phase, outcome });
    return this.end(exitCodeOfRun(phase as TerminalPhase));
  }

  /** Hands back what is not done and ends the process: timers and sockets of user code must not hold it. */
  async end(exitCode: number): Promise<never> {
    await this.#active?.stop({ graceMs: 0 });
    await this.system.close();
    await Promise.all([drained(process.stdout), drained(process.stderr)]);
    return this.#supervisor.exit(exitCode);
  }

  async #interrupt(run: string, exitCode: number): Promise<void> {
    this.#isInterrupted = true;
    this.#follower?.say("aborting the run; press Ctrl-C again to kill it");
    await abort(this.system.core, { run, reason: "interrupted" });
    await this.#active?.stop({ graceMs: STOP_GRACE_MS });
    await this.#catchUp(run);
    this.#follower?.end();
    await this.end(exitCode);
  }

  /** Shows what the loop that follows the run may not have seen yet. */
  async #catchUp(run: string): Promise<void> {
    const follower = this.#follower;
    if (follower === undefined || follower.tree.isOver) return;
    const rest = watchEvents(this.system.core, run, { after: this.#shown });
    for await (const events of rest) follower.show(events);
  }

  #showLogs(logs: readonly LogReport[]): void {
    if (!this.#cli.showsLogs) return;
    for (const { lease, lines } of logs) this.#follower?.log(parseToken(lease)?.action ?? "", lines);
  }
}

/** Opens the store of this machine for an execution. */
export async function openExecution(
  cli: Cli,
  supervisor: Supervisor,
  options: ExecutionOptions,
): Promise<LocalExecution> {
  const system = await openLocal({ dataDir: cli.dataDir });
  return new LocalExecution(cli, supervisor, system, options);
}

function missing(hash: string): Promise<never> {
  return Promise.reject(
    new GodwitError("DEPLOYMENT_NOT_FOUND", `the code ${hash.slice(0, 12)} is not on this machine`),
  );
}

function drained(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => stream.write("", () => resolve()));
}
