import type { Transport } from "../core/protocol.ts";
import type { EngineCore } from "./core.ts";
import { exchange } from "./exchange.ts";
import { readJournalPage } from "./news.ts";

/** The runner protocol by plain calls, for a runner in the coordinator's own process. */
export function directTransport(core: EngineCore): Transport {
  return {
    exchange: (request, signal) => exchange(core, request, signal),
    journal: (request) => readJournalPage(core, request),
  };
}
