import type { ExchangeReply, Transport } from "../core/protocol.ts";
import type { Death } from "../engine/lost.ts";
import type { Clock } from "../ports/clock.ts";
import { systemRandom } from "../ports/random.ts";
import type { SecretSource } from "../ports/secrets.ts";
import { Runner } from "../runner/runner.ts";
import type { TaskSource } from "../runner/tasks.ts";
import type { ValueOptions } from "../runner/values.ts";

export interface TestRunnerParts {
  /** The engine itself. */
  readonly engine: Transport;
  /** What a test has between the runner and the engine. */
  readonly between: (engine: Transport) => Transport;
  readonly tasks: TaskSource;
  readonly secrets: SecretSource;
  readonly slots: number | undefined;
  readonly clock: Clock;
  readonly endMs: number | undefined;
  readonly values?: ValueOptions | undefined;
}

/** A runner that can be killed without its process. */
export interface TestRunner {
  readonly id: string;
  /** Executions of user code that have something to do. */
  readonly busy: number;
  /** It has told the engine something and has no answer yet. */
  readonly isReporting: boolean;
  /** From now on nothing that it does reaches the coordinator; its sessions are dropped. */
  kill(): Promise<void>;
  stop(): Promise<void>;
}

/** What a test may say about a death; by default the machine was taken away. */
export type TestDeath = Partial<Death>;

export function startRunner(parts: TestRunnerParts): TestRunner {
  const { tasks, secrets, slots, clock, endMs } = parts;
  const killed = new AbortController();
  const arriving = new Arriving(parts.engine);
  const id = `w${systemRandom.id()}`;
  const runner = new Runner({
    id,
    transport: severable(parts.between(arriving), killed.signal),
    tasks,
    secrets,
    pools: ["*"],
    backend: "local",
    host: "test",
    pid: process.pid,
    clock,
    ...parts.values,
    ...(slots !== undefined && { slots }),
    ...(endMs !== undefined && { endMs }),
  });
  runner.start();
  return {
    id,
    get busy() {
      return runner.busy;
    },
    get isReporting() {
      return arriving.reports > 0;
    },
    kill: async () => {
      killed.abort();
      await runner.done;
      // What has arrived is carried out although nobody waits for it. A runner that was declared lost before that
      // would come back, with leases that never expire in a time that stands still.
      await arriving.done();
    },
    stop: () => runner.stop({ graceMs: 0 }),
  };
}

/** The requests that the engine is at work on. */
class Arriving implements Transport {
  readonly #engine: Transport;
  readonly #requests = new Set<Promise<unknown>>();
  /** Those that are answered as soon as they can be; a poll may wait for anything. */
  reports = 0;

  constructor(engine: Transport) {
    this.#engine = engine;
  }

  exchange(...parameters: Parameters<Transport["exchange"]>): ReturnType<Transport["exchange"]> {
    const exchanged = this.#note(this.#engine.exchange(...parameters));
    if (parameters[0].channel === "report") {
      this.reports += 1;
      const answered = (): void => {
        this.reports -= 1;
      };
      exchanged.then(answered, answered);
    }
    return exchanged;
  }

  journal(...parameters: Parameters<Transport["journal"]>): ReturnType<Transport["journal"]> {
    return this.#note(this.#engine.journal(...parameters));
  }

  async done(): Promise<void> {
    await Promise.allSettled(this.#requests);
  }

  #note<Reply>(request: Promise<Reply>): Promise<Reply> {
    this.#requests.add(request);
    const forget = (): void => void this.#requests.delete(request);
    request.then(forget, forget);
    return request;
  }
}

/** A transport that can be cut: what was sent may have arrived, but no reply comes back. */
function severable(inner: Transport, cut: AbortSignal): Transport {
  const unknown: ExchangeReply = { known: false, closed: false, leases: [], news: [], lost: [], refused: [] };
  return {
    exchange: (request, signal) =>
      unlessCut(cut, unknown, () =>
        inner.exchange(request, signal === undefined ? cut : AbortSignal.any([signal, cut])),
      ),
    journal: (request, signal) => unlessCut(cut, [], () => inner.journal(request, signal)),
  };
}

function unlessCut<Reply>(cut: AbortSignal, instead: Reply, send: () => Promise<Reply>): Promise<Reply> {
  if (cut.aborted) return Promise.resolve(instead);
  return new Promise((resolve, reject) => {
    const onCut = (): void => resolve(instead);
    cut.addEventListener("abort", onCut, { once: true });
    send()
      .then(resolve, reject)
      .finally(() => cut.removeEventListener("abort", onCut));
  });
}
