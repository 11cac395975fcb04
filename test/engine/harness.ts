import { afterEach } from "vitest";
import { TaskEnvironment } from "../../src/index.ts";
import { createHarness, type Harness, type HarnessOptions } from "../../src/testing/index.ts";
import { newDatabase } from "../setup/postgres-database.ts";

/** `STORE=postgres npx vitest run test/engine` holds the same tests on PostgreSQL. */
export const isPostgres: boolean = process.env.STORE === "postgres";

const cleanUps: (() => Promise<void>)[] = [];

/** A harness that is closed after the test. */
export async function harness(options: HarnessOptions = {}): Promise<Harness> {
  const store = isPostgres ? await newDatabase() : undefined;
  const made = await createHarness({ ...(store !== undefined && { store: store.url }), ...options });
  cleanUps.push(async () => {
    await made.close();
    await store?.drop();
  });
  return made;
}

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

let environments = 0;

/** An environment of its own for each test, so that tasks of several tests never share a name. */
export function environment(
  settings: Partial<ConstructorParameters<typeof TaskEnvironment>[0]> = {},
): TaskEnvironment {
  environments += 1;
  return new TaskEnvironment({ name: `env${environments}`, ...settings });
}

/** The error that a promise ends with. */
export async function errorOf<Failure = Error>(promise: PromiseLike<unknown>): Promise<Failure> {
  try {
    await promise;
  } catch (error) {
    return error as Failure;
  }
  throw new Error("it did not fail");
}

/** What a run failed with: the cause of its RunFailedError. */
export async function failureOf<Failure = Error>(run: { result(): Promise<unknown> }): Promise<Failure> {
  return (await errorOf(run.result())).cause as Failure;
}
