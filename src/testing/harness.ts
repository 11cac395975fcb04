import { type Duration, parseDuration } from "../core/duration.ts";
import type { Phase } from "../core/phase.ts";
import { encodeValue } from "../core/value.ts";
import { abort } from "../engine/abort.ts";
import { EngineCore } from "../engine/core.ts";
import { directTransport } from "../engine/direct.ts";
import { loseRunner } from "../engine/lost.ts";
import { readRun } from "../engine/read.ts";
import { signal } from "../engine/signal.ts";
import { readInput, type StartRun, startRun } from "../engine/start.ts";
import { startTicker, type Ticker } from "../engine/ticker.ts";
import { runsOf } from "../local/run-list.ts";
import { codeHere, runHandle, startOf, startOnce, withInputKept } from "../local/starter.ts";
import { type Clock, systemClock } from "../ports/clock.ts";
import { systemRandom } from "../ports/random.ts";
import { ValueStore } from "../runner/values.ts";
import type { CallTarget } from "../sdk/definition.ts";
import { parseWith } from "../sdk/schema.ts";
import type { RunHandle, RunStarter } from "../sdk/starter.ts";
import type { CallableTask, Task } from "../sdk/task.ts";
import { openStore } from "../store/open.ts";
import { type BusyDriver, busyDriver } from "./busy-driver.ts";
import { FakeClock } from "./fake-clock.ts";
import { givenSecrets } from "./given-secrets.ts";
import type { AgainSettings, HarnessOptions, HarnessRunSettings } from "./options.ts";
import { TestRun } from "./test-run.ts";
import { startRunner, type TestDeath, type TestRunner } from "./test-runner.ts";
import { nameOf, type TaskName, TestTasks } from "./test-tasks.ts";
import { FAKE_LEASE_MS, Time } from "./time.ts";

type RunRef<Output> = string | TestRun<Output>;

/**
 * The whole system in this process, for tests: store, engine and runners, with a clock that the test owns.
 *
 * @example
 * const harness = await createHarness();
 * harness.mock(fetchPage, async () => "<html>");
 * const run = await harness.run(main, { urls: ["a", "b"] });
 * expect(await run.result()).toBe(2); // skips every sleep on the way
 * await harness.close();
 */
export async function createHarness(options: HarnessOptions = {}): Promise<Harness> {
  const driver = busyDriver(await openStore(options.store ?? ":memory:"));
  return new Harness(driver, options);
}

export class Harness {
  /** The engine, for what the harness has no verb for. */
  readonly core: EngineCore;
  /** Starts runs here: `configureRuns(harness.starter)` has `run` use it. */
  readonly starter: RunStarter;
  readonly #options: HarnessOptions;
  readonly #driver: BusyDriver;
  readonly #tasks: TestTasks;
  readonly #clock: Clock;
  readonly #time: Time | null;
  readonly #ticker: Ticker;
  readonly #closing = new AbortController();
  readonly #values: ValueStore;
  #runners: TestRunner[] = [];

  /** @internal */
  constructor(driver: BusyDriver, options: HarnessOptions) {
    const startMs = options.startMs ?? Date.UTC(2030, 0, 1);
    const fake = options.clock === "real" ? null : new FakeClock(startMs);
    this.#options = options;
    this.#values = new ValueStore(options.values);
    this.#driver = driver;
    this.#tasks = new TestTasks(options.tasks);
    this.#clock = fake ?? systemClock;
    this.core = new EngineCore({
      driver,
      clock: fake?.patient ?? systemClock,
      random: systemRandom,
      ...(fake !== null && { leaseMs: FAKE_LEASE_MS }),
    });
    this.#time = fake === null ? null : this.#timeOf(fake);
    this.#ticker = startTicker(this.core, () => undefined);
    for (let i = 0; i < (options.runners ?? 1); i++) this.addRunner();
    this.starter = {
      start: ({ task, input, options: settings }) => this.#start(task, input, settings),
      attach: async (run) => this.#handle((await readRun(this.core, run)).id),
      list: (query) => runsOf(this.core, query),
    };
  }

  #timeOf(clock: FakeClock): Time {
    return new Time({
      core: this.core,
      clock,
      isStoreBusy: () => this.#driver.isBusy || this.#runners.some((runner) => runner.isReporting),
      isCodeBusy: () => this.#runners.some((runner) => runner.busy > 0),
    });
  }

  /** Epoch milliseconds. */
  now(): number {
    return this.#clock.now();
  }

  /** Starts a run. @throws GodwitError INPUT_INVALID */
  async run<Input, Output>(
    task: CallableTask<Input, Output>,
    ...[input, settings = {}]: undefined extends Input
      ? [input?: Input, settings?: HarnessRunSettings]
      : [input: Input, settings?: HarnessRunSettings]
  ): Promise<TestRun<Output>> {
    const { definition } = task;
    if (definition.input !== undefined)
      await parseWith(definition.input, input, { kind: "input", of: definition.name });
    const handle = await this.#start(definition, input, settings);
    return new TestRun<Output>(this.core, handle);
  }

  /** A run that was started elsewhere, such as by a task. */
  runOf<Output = unknown>(id: string): TestRun<Output> {
    return new TestRun<Output>(this.core, this.#handle(id));
  }

  /** Starts a run again without reusing anything. */
  rerun<Output>(run: RunRef<Output>, again: AgainSettings = {}): Promise<TestRun<Output>> {
    return this.#again(run, "rerun", again);
  }

  /** Starts a run again that reuses what succeeded in the older one. */
  recover<Output>(run: RunRef<Output>, again: AgainSettings = {}): Promise<TestRun<Output>> {
    return this.#again(run, "recover", again);
  }

  /** The same under the code as it is now. */
  fork<Output>(run: RunRef<Output>, again: AgainSettings = {}): Promise<TestRun<Output>> {
    return this.#again(run, "fork", again);
  }

  /** Answers a condition, by its name or the id of its action. @throws GodwitError CONDITION_NOT_FOUND, CONDITION_CONFLICT */
  async signal(run: RunRef<unknown>, condition: string, answer: unknown): Promise<void> {
    await signal(this.core, { run: idOf(run), condition, answer: encodeValue(answer) });
  }

  /** Aborts a run, or one action of it. */
  abort(
    run: RunRef<unknown>,
    options: { readonly action?: string; readonly reason?: string } = {},
  ): Promise<Phase> {
    return abort(this.core, { run: idOf(run), ...options });
  }

  /** Replaces a task's function from now on; gives what undoes it. */
  mock<Input, Output>(task: Task<Input, Output>, fn: (input: Input) => Output | Promise<Output>): () => void {
    return this.#tasks.mock(task, fn);
  }

  /** Makes the next execution of a task throw. Called again, the one after it too. */
  failOnce(task: TaskName, error: unknown): void {
    this.#tasks.failOnce(task, error);
  }

  /** How often the function of a task was entered: by first attempts, retries and replays alike. */
  executions(task: TaskName): number {
    return this.#tasks.executions(task);
  }

  /** Moves the fake clock on, stopping at everything that becomes due on the way. */
  async advance(duration: Duration): Promise<void> {
    if (this.#time === null) throw new Error("this harness runs on the clock of the machine");
    await this.#time.advance(parseDuration(duration));
  }

  /** Resolves when nothing goes on any more unless time moves, somebody answers, or a runner comes. */
  async settle(): Promise<void> {
    if (this.#time === null) throw new Error("this harness runs on the clock of the machine");
    await this.#time.settle();
  }

  /** Starts one more runner. */
  addRunner(): void {
    const { slots, runnerLifeMs, secrets = {}, transport = (inner) => inner } = this.#options;
    const endMs = runnerLifeMs === undefined ? undefined : this.#clock.now() + runnerLifeMs;
    const parts = { slots, endMs, tasks: this.#tasks, clock: this.#clock, secrets: givenSecrets(secrets) };
    this.#runners.push(
      startRunner({
        ...parts,
        values: this.#options.values,
        engine: directTransport(this.core),
        between: transport,
      }),
    );
  }

  /**
   * Kills the oldest runner in the middle of what it does; everything it did not report is lost. Another one takes
   * its place, unless `isReplaced` says otherwise.
   */
  async killRunner(death: TestDeath & { readonly isReplaced?: boolean } = {}): Promise<void> {
    const runner = this.#runners.shift();
    if (runner === undefined) throw new Error("there is no runner left");
    const { isReplaced = true, kind = "killed", detail = "killed by the test", isAmbiguous = false } = death;
    await runner.kill();
    await loseRunner(this.core, runner.id, { kind, detail, isAmbiguous });
    if (isReplaced) this.addRunner();
  }

  /** Has the oldest runner hand back what it does and stop, as on a scale-down. */
  async stopRunner(): Promise<void> {
    await this.#runners.shift()?.stop();
  }

  /** Stops everything; whoever still waits for a run gets an error. */
  async close(): Promise<void> {
    this.#closing.abort(new Error("the harness was closed"));
    await this.#time?.stop();
    for (const runner of this.#runners.splice(0)) await runner.kill();
    await this.#ticker.stop();
    await this.#driver.close();
  }

  async #start(given: CallTarget, input: unknown, settings: HarnessRunSettings): Promise<RunHandle> {
    const { project = "default", domain = "development", suspend = this.#options.suspend } = settings;
    const { priority, weight, actionLimit, strict } = settings;
    const task = await codeHere(given, (name) => this.#tasks.find("", name));
    const deployment = await this.#deploy(project, domain);
    const start: StartRun = {
      ...startOf({ task, input, options: settings }, { deployment, pool: deployment, project, domain }),
      ...(suspend !== undefined && { suspendMode: suspend }),
      ...(priority !== undefined && { priority }),
      ...(weight !== undefined && { weight }),
      ...(actionLimit !== undefined && { actionLimit }),
      ...(strict !== undefined && { strict }),
    };
    const kept = await withInputKept(start, this.#values);
    return this.#handle(await startOnce(this.core, kept, settings.idempotencyKey));
  }

  async #again<Output>(
    run: RunRef<Output>,
    kind: "rerun" | "recover" | "fork",
    { input, force, changedOnly }: AgainSettings,
  ): Promise<TestRun<Output>> {
    const old = await readRun(this.core, idOf(run));
    const deployment = await this.#deploy(old.project, old.domain);
    const { options } = await this.#tasks.find(deployment, old.task);
    const forced = force?.map(nameOf);
    const id = await startRun(this.core, {
      task: old.task,
      input: input === undefined ? ((await readInput(this.core, old.id, "a0")) ?? "") : encodeValue(input),
      deployment,
      pool: deployment,
      project: old.project,
      domain: old.domain,
      options,
      context: JSON.parse(old.context) as Record<string, string>,
      suspendMode: old.suspend_mode,
      strict: old.strict === 1,
      origin: {
        run: old.id,
        kind,
        ...(forced !== undefined && { force: forced }),
        ...(changedOnly !== undefined && { changedOnly }),
      },
    });
    return new TestRun<Output>(this.core, this.#handle(id));
  }

  #deploy(project: string, domain: string): Promise<string> {
    const nowMs = this.now();
    return this.core.driver.transaction((sql) => this.#tasks.deploy(sql, { project, domain, nowMs }));
  }

  /** Whoever waits for a run lets time skip, and is let go when the harness closes. */
  #handle(id: string): RunHandle {
    const inner = runHandle(this.core, id, this.#values);
    const skipping = <Result>(work: () => Promise<Result>): Promise<Result> =>
      this.#time === null || this.#options.clock === "manual" ? work() : this.#time.skipDuring(work);
    const until = (given: AbortSignal | undefined): AbortSignal =>
      given === undefined ? this.#closing.signal : AbortSignal.any([given, this.#closing.signal]);
    return {
      id,
      url: null,
      wait: (signal) => skipping(() => inner.wait(until(signal))),
      result: (signal) => skipping(() => inner.result(until(signal))),
      abort: (reason) => inner.abort(reason),
      events: (signal) => inner.events(until(signal)),
    };
  }
}

function idOf(run: RunRef<unknown>): string {
  return typeof run === "string" ? run : run.id;
}
