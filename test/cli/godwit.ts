import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const BIN = fileURLToPath(new URL("../../bin/godwit.js", import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CallOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
  readonly cwd?: string;
}

/** A folder of a user's with the command line in it. */
export class Workspace {
  readonly path: string;
  readonly #children = new Set<ChildProcess>();

  constructor(files: Readonly<Record<string, string>> = {}) {
    this.path = mkdtempSync(join(tmpdir(), "godwit-cli-"));
    // Keeps a package.json further up from being taken for the project's.
    this.write({ "package.json": '{ "type": "module" }', ...files });
  }

  write(files: Readonly<Record<string, string>>): void {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(this.path, name)), { recursive: true });
      writeFileSync(join(this.path, name), text);
    }
  }

  /** Starts a command; `ended` resolves when it has. */
  start(args: readonly string[], options: CallOptions = {}): Started {
    const inherited = Object.entries(process.env).filter(
      ([name]) => !/^(GODWIT_|VITEST|NODE_OPTIONS|CI$)/.test(name),
    );
    const child = spawn(process.execPath, [BIN, ...args], {
      cwd: options.cwd ?? this.path,
      env: { ...Object.fromEntries(inherited), ...options.env },
      stdio: ["pipe", "pipe", "pipe"],
    });
    this.#children.add(child);
    child.stdin.end(options.stdin ?? "");
    return new Started(child);
  }

  run(args: readonly string[], options?: CallOptions): Promise<Ended> {
    return this.start(args, options).ended;
  }

  /** Runs a command that prints JSON and nothing else to stdout. */
  async json<Value>(args: readonly string[], options?: CallOptions): Promise<Value> {
    const { code, stdout, stderr } = await this.run([...args, "-o", "json"], options);
    if (code !== 0) throw new Error(`godwit ${args.join(" ")} ended with ${code}: ${stderr}`);
    return JSON.parse(stdout) as Value;
  }

  remove(): void {
    for (const child of this.#children) child.kill("SIGKILL");
    rmSync(this.path, { recursive: true, force: true, maxRetries: 3 });
  }
}

export class Started {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  stdout = "";
  stderr = "";

  constructor(child: ChildProcess) {
    this.child = child;
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      this.stdout += text;
    });
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.stderr += text;
    });
    this.ended = new Promise((resolve) => {
      child.once("close", (code) => resolve({ code, stdout: this.stdout, stderr: this.stderr }));
    });
  }

  /** Waits until something was printed, to either stream. */
  async printed(pattern: RegExp, waitMs = 15_000): Promise<RegExpExecArray> {
    for (const endMs = Date.now() + waitMs; ; ) {
      const match = pattern.exec(`${this.stdout}\n${this.stderr}`);
      if (match !== null) return match;
      if (Date.now() > endMs) throw new Error(`${pattern} was not printed: ${this.stdout}\n${this.stderr}`);
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }
}

/** A server of this folder on any free port. */
export async function startDev(
  workspace: Workspace,
  flags: readonly string[] = [],
): Promise<{ readonly endpoint: string; stop(): Promise<Ended> }> {
  const dev = workspace.start(["dev", "--port", "0", "--runners", "1", ...flags]);
  const [, endpoint = ""] = await dev.printed(/serves (http:\S+)/);
  return {
    endpoint,
    stop: () => {
      dev.child.kill("SIGINT");
      return dev.ended;
    },
  };
}

/** Tasks that harm the process they run in. */
export const HARMFUL = `
import { condition, sleep, TaskEnvironment } from "godwit";

const env = new TaskEnvironment({ name: "bad" });

export const leak = env.task(async function leak() {
  const kept: unknown[] = [];
  for (;;) kept.push(new Array(1000).fill(0).map(String));
});
export const spin = env.task({ timeout: "500ms" }, async function spin() {
  for (;;);
});
export const leave = env.task(async function leave() {
  process.exit(3);
});
export const chat = env.task(async function chat() {
  const line = "x".repeat(1023);
  for (let i = 0; i < 50_000; i++) console.log(line);
  return "said";
});
export const nap = env.task(async function nap() {
  await sleep("60s");
});
export const ask = env.task(async function ask() {
  return condition({ name: "release" });
});
const tasks = { leak, spin, leave, chat, nap };

export const parent = env.task(async function parent({ call }: { call: keyof typeof tasks }) {
  return (tasks[call] as () => Promise<unknown>)();
});
export const survivor = env.task(async function survivor({ call }: { call: keyof typeof tasks }) {
  try {
    return await (tasks[call] as () => Promise<unknown>)();
  } catch (error) {
    return (error as { code: string }).code;
  }
});
`;
