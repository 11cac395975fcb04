import type { SqlDriver } from "../store/driver.ts";

/** A database that tells whether it is being used. */
export interface BusyDriver extends SqlDriver {
  readonly isBusy: boolean;
}

export function busyDriver(driver: SqlDriver): BusyDriver {
  let used = 0;
  const during = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    used += 1;
    try {
      return await work();
    } finally {
      used -= 1;
    }
  };
  return {
    get isBusy() {
      return used > 0;
    },
    dialect: driver.dialect,
    transaction: (work) => during(() => driver.transaction(work)),
    read: (work) => during(() => driver.read(work)),
    watch: (onHint) => driver.watch(onHint),
    hint: (topic) => driver.hint(topic),
    close: () => driver.close(),
  };
}
