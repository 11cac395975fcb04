import { describe } from "vitest";
import { actionContract, historyContract } from "./contract/actions.ts";
import { bulkContract } from "./contract/bulk.ts";
import { type StoreHost, useStore } from "./contract/host.ts";
import { listContract } from "./contract/lists.ts";
import { leaseContract, queueContract } from "./contract/queue.ts";
import { runnerContract } from "./contract/runners.ts";
import { migrationContract, transactionContract } from "./contract/transactions.ts";
import { cacheContract, conditionContract, limitContract, timerContract } from "./contract/waits.ts";

/** What the engine relies on: every database does the same with the same statements. */
export function storeContract(name: string, host: StoreHost): void {
  describe(name, () => {
    migrationContract(host);
    const store = useStore(host);
    const parts = {
      transactions: transactionContract,
      bulk: bulkContract,
      queue: queueContract,
      leases: leaseContract,
      actions: actionContract,
      history: historyContract,
      timers: timerContract,
      conditions: conditionContract,
      cache: cacheContract,
      limits: limitContract,
      runners: runnerContract,
      lists: listContract,
    };
    for (const [part, define] of Object.entries(parts)) describe(part, () => define(store));
  });
}
