import type {
  ExchangeReply,
  ExchangeRequest,
  JournalEntry,
  JournalRequest,
  Transport,
} from "../../core/protocol.ts";
import { directTransport } from "../../engine/direct.ts";
import type { Chance } from "./chance.ts";
import type { Coordinator } from "./coordinator.ts";
import type { Process, Timeline } from "./timeline.ts";

/** How bad the network is: probabilities per message. */
export interface Weather {
  readonly dropRequest: number;
  readonly dropReply: number;
  readonly duplicate: number;
  /** Longest usual delay of a message in milliseconds. */
  readonly delayMs: number;
  /** Probability that a message takes far longer than usual. */
  readonly straggle: number;
}

export const CALM: Weather = { dropRequest: 0, dropReply: 0, duplicate: 0, delayMs: 5, straggle: 0 };

type Serve<Reply> = (coordinator: Coordinator, text: string, aborted: AbortSignal) => Promise<Reply>;

export interface NetworkParts {
  readonly timeline: Timeline;
  readonly chance: Chance;
  /** The process that carries messages; it never dies. */
  readonly process: Process;
  coordinators(): readonly Coordinator[];
  weather(): Weather;
  count(fault: string): void;
}

/** Everything between runners and coordinators: delays, losses, repetitions. Messages travel as text, as on a wire. */
export class Network {
  readonly #parts: NetworkParts;
  /** Runners that reach nobody until then. */
  readonly cutOffUntilMs: Map<Process, number> = new Map();

  constructor(parts: NetworkParts) {
    this.#parts = parts;
  }

  transportOf(runner: Process): Transport {
    return {
      exchange: (request, signal) =>
        this.#send<ExchangeReply>(runner, request, signal, (coordinator, text, aborted) =>
          directTransport(coordinator.core).exchange(JSON.parse(text) as ExchangeRequest, aborted),
        ),
      journal: (request, signal) =>
        this.#send<readonly JournalEntry[]>(runner, request, signal, (coordinator, text) =>
          directTransport(coordinator.core).journal(JSON.parse(text) as JournalRequest),
        ),
    };
  }

  #send<Reply>(
    runner: Process,
    request: object,
    signal: AbortSignal | undefined,
    serve: Serve<Reply>,
  ): Promise<Reply> {
    const { timeline, chance, count } = this.#parts;
    const weather = this.#parts.weather();
    const text = JSON.stringify(request);
    const hungUp = new AbortController();
    return new Promise<Reply>((resolve, reject) => {
      const call = new Call(timeline, runner, resolve, reject);
      const onAbort = (): void => {
        // The server may notice, soon or late.
        if (call.hangUp()) this.#later(chance.int(0, 200), "hang up", () => hungUp.abort());
      };
      signal?.addEventListener("abort", onAbort, { once: true });
      const deliver = (to: Call<Reply> | null): void => this.#deliver(runner, text, to, { serve, hungUp });
      if (this.#isCutOff(runner)) return call.fail("cut off", chance.int(20, 500));
      if (chance.isLucky(weather.dropRequest)) {
        count("request lost");
        return call.fail("request lost", chance.int(20, 1_000));
      }
      this.#later(this.#delayMs(), "request", () => deliver(call));
      if (!chance.isLucky(weather.duplicate)) return;
      count("request repeated");
      const delayMs = chance.isLucky(0.3) ? chance.int(0, 8_000) : this.#delayMs();
      this.#later(delayMs, "repetition", () => deliver(null));
    });
  }

  /** @param call whom to answer; null for a copy of a request, whose reply nobody hears */
  #deliver<Reply>(
    runner: Process,
    text: string,
    call: Call<Reply> | null,
    how: { readonly serve: Serve<Reply>; readonly hungUp: AbortController },
  ): void {
    const { timeline, chance, count } = this.#parts;
    const up = this.#parts.coordinators();
    if (up.length === 0) return call?.fail("nobody there", this.#delayMs());
    const coordinator = chance.pick(up);
    const { process } = coordinator;
    timeline.note(`${process.name} <- ${runner.name} ${call === null ? "again " : ""}${text}`);
    const forget = process.onDeath(() => call?.fail("coordinator died", this.#delayMs()));
    const answer = (reply: Reply): void => {
      forget();
      if (call === null || !process.isAlive) return;
      if (chance.isLucky(this.#parts.weather().dropReply)) {
        count("reply lost");
        return call.fail("reply lost", chance.int(20, 1_000));
      }
      const wire = JSON.stringify(reply);
      timeline.note(`${process.name} -> ${runner.name} ${wire}`);
      call.answer(JSON.parse(wire) as Reply, this.#delayMs());
    };
    const refuse = (error: unknown): void => {
      forget();
      timeline.note(`${process.name} failed ${String(error)}`);
      if (process.isAlive) call?.fail(String(error), this.#delayMs());
    };
    how.serve(coordinator, text, how.hungUp.signal).then(answer, refuse);
  }

  #isCutOff(runner: Process): boolean {
    return (this.cutOffUntilMs.get(runner) ?? 0) > this.#parts.timeline.nowMs;
  }

  #later(delayMs: number, label: string, run: () => void): void {
    this.#parts.timeline.after(this.#parts.process, delayMs, label, run);
  }

  #delayMs(): number {
    const { chance } = this.#parts;
    const weather = this.#parts.weather();
    if (chance.isLucky(weather.straggle)) return chance.int(0, 3_000);
    return chance.number() * weather.delayMs;
  }
}

/** A request as its runner sees it: it ends once, in the runner's own time, and never when the runner is dead. */
class Call<Reply> {
  readonly #timeline: Timeline;
  readonly #runner: Process;
  readonly #resolve: (reply: Reply) => void;
  readonly #reject: (error: Error) => void;
  #isOpen = true;

  constructor(
    timeline: Timeline,
    runner: Process,
    resolve: (reply: Reply) => void,
    reject: (error: Error) => void,
  ) {
    this.#timeline = timeline;
    this.#runner = runner;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  answer(reply: Reply, delayMs: number): void {
    this.#end("reply", delayMs, () => this.#resolve(reply));
  }

  fail(label: string, delayMs: number): void {
    this.#end(label, delayMs, () => this.#reject(new Error(label)));
  }

  /** The runner gives up; false when it has its answer. */
  hangUp(): boolean {
    const wasOpen = this.#isOpen;
    this.#isOpen = false;
    if (wasOpen) this.#reject(new Error("aborted"));
    return wasOpen;
  }

  #end(label: string, delayMs: number, settle: () => void): void {
    this.#timeline.after(this.#runner, delayMs, label, () => {
      if (!this.#isOpen) return;
      this.#isOpen = false;
      settle();
    });
  }
}
