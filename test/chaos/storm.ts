import { type ChildProcess, fork } from "node:child_process";

/** A process that is started again whenever it is gone. */
interface Victim {
  readonly name: string;
  start(): ChildProcess;
  child: ChildProcess | null;
}

/** Keeps processes running and kills one of them with SIGKILL every 200 to 800 ms. */
export class Storm {
  readonly #victims: Victim[] = [];
  #isOver = false;
  #timer: NodeJS.Timeout | undefined;
  kills = 0;

  add(name: string, file: URL, args: readonly string[], env: Record<string, string>): void {
    const start = (): ChildProcess =>
      fork(file, args, { execArgv: ["--conditions=source"], env: { ...process.env, ...env } });
    const victim: Victim = { name, start, child: null };
    this.#victims.push(victim);
    this.#start(victim);
  }

  begin(): void {
    const next = (): void => {
      this.#timer = setTimeout(
        () => {
          this.#strike();
          next();
        },
        200 + Math.random() * 600,
      );
    };
    next();
  }

  /** Stops killing; the processes go on. */
  calm(): void {
    clearTimeout(this.#timer);
  }

  end(): void {
    this.calm();
    this.#isOver = true;
    for (const { child } of this.#victims) child?.kill("SIGKILL");
  }

  #start(victim: Victim): void {
    if (this.#isOver) return;
    const child = victim.start();
    victim.child = child;
    child.once("exit", () => setTimeout(() => this.#start(victim), 20));
  }

  #strike(): void {
    const victim = this.#victims[Math.floor(Math.random() * this.#victims.length)];
    if (victim?.child?.kill("SIGKILL") === true) this.kills += 1;
  }
}
