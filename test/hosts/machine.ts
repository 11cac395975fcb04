import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Ended, Started } from "../cli/godwit.ts";
import type { Network } from "./network.ts";

const BIN = fileURLToPath(new URL("../../bin/godwit.js", import.meta.url));

type Variables = Readonly<Record<string, string>>;

/**
 * A machine: folders, variables and (where that can be had) a network of its own. What its processes share with those of
 * another machine is the installed code, and what they send each other.
 */
export class Machine {
  readonly name: string;
  readonly path: string;
  readonly #network: Network;
  readonly #children = new Set<ChildProcess>();

  constructor(name: string, network: Network) {
    this.name = name;
    this.#network = network;
    this.path = mkdtempSync(join(tmpdir(), `godwit-${name}-`));
    for (const folder of ["home", "tmp", "work"]) mkdirSync(join(this.path, folder));
    // Keeps a package.json further up from being taken for the project's.
    this.write("package.json", '{ "type": "module" }');
  }

  get address(): string {
    return this.#network.addressOf(this.name);
  }

  write(file: string, text: string): void {
    writeFileSync(join(this.path, "work", file), text);
  }

  /** Starts `godwit` with some arguments. */
  start(args: readonly string[], variables: Variables = {}): Started {
    return this.node([BIN, ...args], variables);
  }

  run(args: readonly string[], variables?: Variables): Promise<Ended> {
    return this.start(args, variables).ended;
  }

  /** Runs a command that prints JSON to stdout. */
  async json<Value>(args: readonly string[], variables?: Variables): Promise<Value> {
    const { code, stdout, stderr } = await this.run([...args, "-o", "json"], variables);
    if (code !== 0) throw new Error(`godwit ${args.join(" ")} ended with ${code}: ${stderr}`);
    return JSON.parse(stdout) as Value;
  }

  /** Starts Node in a process group of its own. */
  node(args: readonly string[], variables: Variables = {}): Started {
    const [command = "", ...rest] = [...this.#network.prefix(this.name), process.execPath, ...args];
    const child = spawn(command, rest, {
      cwd: join(this.path, "work"),
      env: {
        PATH: process.env["PATH"] ?? "",
        HOME: join(this.path, "home"),
        TMPDIR: join(this.path, "tmp"),
        MACHINE: this.name,
        ...variables,
      },
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    this.#children.add(child);
    return new Started(child);
  }

  /** Ends everything that runs here at once, as a power cut does. */
  cutPower(): void {
    for (const { pid, exitCode, signalCode } of this.#children) {
      if (pid === undefined || exitCode !== null || signalCode !== null) continue;
      process.kill(-pid, "SIGKILL");
    }
    this.#children.clear();
  }

  remove(): void {
    this.cutPower();
    rmSync(this.path, { recursive: true, force: true, maxRetries: 5 });
  }
}
