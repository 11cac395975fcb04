import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Rewrite, SimulatedDatabase } from "../../src/testing/simulation/database.ts";
import { simulate } from "../../src/testing/simulation/simulation.ts";
import { planOf } from "./simulation/plans.ts";

/** A rule of the engine, broken on purpose by changing its SQL on the way to the database. */
interface Mutation {
  readonly rule: string;
  readonly rewrite: Rewrite;
  /** Violations that show it, one of them at least. */
  readonly shows: RegExp;
}

/** `FROM TABLE` in capitals: the row source of a bulk insert into that table. */
function replacing(...changes: readonly (readonly [from: string, to: string])[]): Rewrite {
  return (text) => {
    let result = text;
    for (const [from, to] of changes) result = replaceOne(result, from, to);
    return result;
  };
}

function replaceOne(text: string, from: string, to: string): string {
  const table = /^FROM ([A-Z]+) (.*)$/.exec(from);
  if (table === null) return text.replaceAll(from, to);
  const [, name = "", rest = ""] = table;
  if (!text.startsWith(`INSERT INTO ${name.toLowerCase()} `)) return text;
  return text.replace(rest, to.replace(`FROM ${name} `, ""));
}

const MUTATIONS: readonly Mutation[] = [
  {
    rule: "an outcome needs the current lease",
    // Whatever token a runner gives, it has the lease that is current.
    rewrite: replacing(
      ["SELECT l.token AS token, l.runner_id AS", "SELECT r.token AS token, l.runner_id AS"],
      [" AND l.token = r.token AND l.runner_id = r.runner_id", ""],
    ),
    shows: /failures are counted|lease is not the current one|not every run ended|illegal transition/,
  },
  {
    rule: "a lease ends when its action is not executed any more",
    rewrite: replacing(["DELETE FROM leases WHERE", "DELETE FROM leases WHERE 1 = 0 AND"]),
    shows: /only a running action has a lease/,
  },
  {
    rule: "a result that waits for its parent has a timer that wakes it",
    rewrite: replacing(["FROM TIMERS WHERE true", "FROM TIMERS WHERE r.kind <> 'wake'"]),
    shows: /nothing wakes|is not woken|not every run ended/,
  },
  {
    rule: "a retry has a timer",
    rewrite: replacing(["FROM TIMERS WHERE true", "FROM TIMERS WHERE r.kind <> 'retry'"]),
    shows: /a waiting action has a timer/,
  },
  {
    rule: "results are numbered without a gap",
    rewrite: replacing(["result = r.result, seq = r.seq", "result = r.result, seq = r.seq + 1"]),
    shows: /numbers their results without a gap/,
  },
  {
    rule: "results are told in the order in which they were recorded",
    rewrite: replacing(["AND seq > $3 ORDER BY seq LIMIT", "AND seq > $3 ORDER BY id LIMIT"]),
    shows: /disagree|not every run ended|no end after/,
  },
  {
    rule: "a parked parent remembers what it waits for",
    rewrite: replacing(["waits = r.waits, pool", "waits = NULL, pool"]),
    shows: /a parked parent waits for something/,
  },
  {
    rule: "a call that exists is left alone",
    rewrite: replacing([
      "FROM ACTIONS WHERE true ON CONFLICT DO NOTHING",
      "FROM ACTIONS WHERE true ON CONFLICT (run_id, id) DO UPDATE SET phase = excluded.phase, ended_ms = NULL",
    ]),
    shows: /a settled outcome changed|illegal transition|counts its calls|one place in the queue/,
  },
  {
    rule: "a repeated request finds its leases",
    rewrite: replacing([
      "FROM leases WHERE runner_id = $1 AND grant_id = $2",
      "FROM leases WHERE runner_id = $1 AND grant_id = $2 AND 1 = 0",
    ]),
    shows: /not every run ended/,
  },
  {
    rule: "what a lost runner had is executed again",
    rewrite: replacing([
      "FROM runners WHERE expires_ms <= $1",
      "FROM runners WHERE expires_ms <= $1 AND 1 = 0",
    ]),
    shows: /not every run ended/,
  },
  {
    rule: "a released concurrency key is free",
    rewrite: replacing([
      "UPDATE concurrency SET used = $2 WHERE",
      "UPDATE concurrency SET used = used WHERE $2 = $2 AND",
    ]),
    shows: /a concurrency key counts its holders/,
  },
  {
    rule: "a released concurrency key promotes who waits for it",
    rewrite: replacing([
      "FROM waiters WHERE key = $1 ORDER",
      "FROM waiters WHERE key = $1 AND key LIKE 'cache:%' ORDER",
    ]),
    shows: /whoever waits for a concurrency key waits for a holder|left in waiters/,
  },
  {
    rule: "a cache entry that was computed promotes who waits for it",
    rewrite: replacing([
      "FROM waiters WHERE key = $1 ORDER",
      "FROM waiters WHERE key = $1 AND key LIKE 'limit:%' ORDER",
    ]),
    shows: /whoever waits for a cache entry waits for somebody/,
  },
  {
    rule: "the claim to compute a cache entry ends with whoever has it",
    rewrite: replacing(["DELETE FROM cache_fills WHERE", "DELETE FROM cache_fills WHERE 1 = 0 AND"]),
    shows: /cache/,
  },
  {
    rule: "the queue gives an action once",
    rewrite: replacing(["DELETE FROM queue WHERE (pool", "UPDATE queue SET rank = rank WHERE (pool"]),
    shows: /./,
  },
  {
    rule: "a run ends with its root",
    rewrite: replacing(["ended_ms = r.ended_ms, error = r.error", "error = r.error"]),
    shows: /a run ends with its root/,
  },
];

const SEEDS = 300;

let database: SimulatedDatabase;
beforeAll(async () => {
  database = await SimulatedDatabase.open();
});
afterAll(() => database.close());

describe("the simulation notices when", () => {
  for (const { rule, rewrite, shows } of MUTATIONS) {
    it(`it does not hold that ${rule}`, { timeout: 120_000 }, async () => {
      for (let seed = 1; seed <= SEEDS; seed++) {
        const { violations } = await simulate({ database, seed, plan: planOf(seed), rewrite });
        if (violations.length === 0) continue;
        console.log(`${rule}: noticed by seed ${seed}: ${violations[0]}`);
        expect(violations.join("\n")).toMatch(shows);
        return;
      }
      expect.unreachable(`${SEEDS} seeds did not notice`);
    });
  }
});
