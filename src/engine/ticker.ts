import type { EngineCore } from "./core.ts";
import { topics } from "./hub.ts";
import { tick } from "./tick.ts";

/** Longest time between two ticks: what another process made due is found by then, notified or not. */
const LONGEST_PAUSE_MS = 1_000;

export interface Ticker {
  /** Stops after the tick under way. */
  stop(): Promise<void>;
}

/**
 * Ticks when something is due, for as long as a server runs. On serverless a scheduled event calls `tick` instead.
 * A tick that fails is reported and tried again: what is due stays due.
 */
export function startTicker(core: EngineCore, onError: (error: unknown) => void): Ticker {
  const stopped = new AbortController();
  const loop = async (): Promise<void> => {
    while (!stopped.signal.aborted) {
      const listener = core.hub.listen([topics.tick]);
      let pauseMs = LONGEST_PAUSE_MS;
      try {
        const { nextMs } = await tick(core);
        if (nextMs !== null) pauseMs = Math.min(Math.max(nextMs - core.clock.now(), 0), LONGEST_PAUSE_MS);
      } catch (error) {
        if (!stopped.signal.aborted) onError(error);
      }
      await listener.wait(pauseMs, stopped.signal);
      listener.stop();
    }
  };
  const done = loop();
  return {
    stop: () => {
      stopped.abort();
      return done;
    },
  };
}
