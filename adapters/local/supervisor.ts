import { type ChildProcess, fork } from "node:child_process";
import { extname } from "node:path";
import type { Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { systemRandom } from "../../src/ports/random.ts";
import { DeathListener, type ProcessDeath } from "../../src/runner/death.ts";
import type { HeldCredentials } from "./credentials.ts";
import { SUPERVISOR_FD } from "./heartbeat.ts";
import { type ChildOptions, type FromChild, START_AGAIN, type ToChild } from "./messages.ts";

export interface LocalRunnersOptions {
  /** The coordinator. */
  readonly endpoint: string;
  /** Tokens of the runners, and the pools they are for. Default: none, for a coordinator that trusts this machine. */
  readonly credentials?: HeldCredentials;
  /** Where the runners are: `local` beside their coordinator, `host` anywhere else. Default `local`. */
  readonly backend?: "local" | "host";
  /** How many processes. */
  readonly count: number;
  /** Actions that each of them executes at once. Default 100: tasks mostly wait for something. */
  readonly slots?: number;
  /** Folder in which bundles are kept. */
  readonly dir: string;
  /** Folder of the project that bundles are made of: stacks point there. */
  readonly root?: string;
  /** Folder in which secrets are, as `<project>/<domain>/<NAME>`. Default: none. */
  readonly secretsDir?: string;
  /** The only domain that gets secrets out of the environment. Default `development`. */
  readonly secretsDomain?: string;
  /** Folder in which files and large values are. Default: none; values are all inline. */
  readonly blobsDir?: string;
  /** Heap of each process in MiB. Default: V8's own limit. */
  readonly heapMiB?: number;
  /** Told how a process ended that should not have; another has been started. */
  readonly onDeath?: (death: RunnerDeath) => void;
  /** What is printed by code that belongs to no task. */
  readonly onOutput?: (text: string) => void;
}

/** A runner that died. */
export interface RunnerDeath extends ProcessDeath {
  readonly runner: string;
  /** It executed something that it had not reported, so nobody knows which action it was. */
  readonly isAmbiguous: boolean;
}

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 10_000;
/** Whoever has lived this long did not die of being started. */
const SETTLED_MS = 30_000;
/** How long a child may take to stop beyond its grace before it is killed. */
const STOP_MARGIN_MS = 3_000;

/** One place for a runner: a child process, and the next one when it dies. */
export class LocalRunner {
  readonly #name: string;
  readonly #options: LocalRunnersOptions;
  readonly #report: (death: RunnerDeath) => Promise<void>;
  #child: ChildProcess | undefined;
  #isStopping = false;
  #failures = 0;
  #restart: NodeJS.Timeout | undefined;

  constructor(name: string, options: LocalRunnersOptions, report: (death: RunnerDeath) => Promise<void>) {
    this.#name = name;
    this.#options = options;
    this.#report = report;
    this.#start();
  }

  async stop(graceMs: number): Promise<void> {
    this.#isStopping = true;
    clearTimeout(this.#restart);
    const child = this.#child;
    if (child === undefined) return;
    await new Promise<void>((resolve) => {
      child.once("close", () => resolve());
      const kill = setTimeout(() => child.kill("SIGKILL"), graceMs + STOP_MARGIN_MS);
      child.once("close", () => clearTimeout(kill));
      if (child.connected) child.send({ type: "stop", graceMs } satisfies ToChild);
    });
  }

  #start(): void {
    const { heapMiB, onOutput } = this.#options;
    // An id of its own for each process: what the coordinator hears of a dead one cannot be meant for the next.
    const runner = `${this.#name}.${systemRandom.nonce(8)}`;
    const startedMs = Date.now();
    const child = fork(fileURLToPath(new URL(`./child${extname(import.meta.url)}`, import.meta.url)), [], {
      stdio: ["ignore", "pipe", "pipe", "ipc", "pipe"],
      env: withoutKey(process.env),
      execArgv:
        heapMiB === undefined ? process.execArgv : [...process.execArgv, `--max-old-space-size=${heapMiB}`],
    });
    this.#child = child;
    const listener = new DeathListener();
    let isAmbiguous = false;
    child.stdout?.on("data", (chunk: Buffer) => onOutput?.(chunk.toString("utf8")));
    child.stderr?.on("data", (chunk: Buffer) => {
      const text = listener.hear(chunk);
      if (text !== "") onOutput?.(text);
    });
    child.on("message", (message: FromChild) => {
      isAmbiguous = message.hasUnknown;
    });
    child.on("error", () => undefined);
    const forgetTokens = this.#passTokens(child);
    child.once("close", (code, signal) => {
      forgetTokens();
      this.#child = undefined;
      if (this.#isStopping) return;
      if (code !== START_AGAIN) this.#tell({ runner, isAmbiguous, ...listener.death(code, signal) });
      this.#startLater(Date.now() - startedMs);
    });
    child.send({ type: "start", options: this.#childOptions(runner) } satisfies ToChild);
  }

  /** Renewed tokens go to a pipe of their own, which the child reads even while its event loop stands still. */
  #passTokens(child: ChildProcess): () => void {
    const pipe = child.stdio[SUPERVISOR_FD] as Writable;
    // A child that dies meanwhile has no use for them.
    pipe.on("error", () => undefined);
    return this.#options.credentials?.onRenewed((token) => pipe.write(`${token}\n`)) ?? (() => undefined);
  }

  #tell(death: RunnerDeath): void {
    // Whoever cannot be told now sees the lease expire.
    this.#report(death).catch(() => undefined);
  }

  #startLater(livedMs: number): void {
    this.#failures = livedMs > SETTLED_MS ? 1 : this.#failures + 1;
    const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** (this.#failures - 1), LONGEST_PAUSE_MS);
    this.#restart = setTimeout(() => this.#start(), pauseMs);
  }

  #childOptions(runner: string): ChildOptions {
    const { endpoint, slots, dir, root, secretsDir, secretsDomain, blobsDir } = this.#options;
    const { credentials, backend = "local" } = this.#options;
    const { token, pools = ["*"] } = credentials ?? { token: undefined };
    const folders = { dir, root, secretsDir, secretsDomain, blobsDir };
    return { endpoint, token, runner, pools, slots, backend, ...folders };
  }
}

/** User code reads its environment; the key with which runners are started is not its business. */
function withoutKey({ GODWIT_TOKEN: _, ...rest }: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return rest;
}
