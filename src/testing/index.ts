/**
 * The whole system in one process, for tests.
 *
 * @example
 * const harness = await createHarness();
 * const run = await harness.run(main, { data: [1, 2, 3] });
 * console.log(await run.result());
 * await harness.close();
 *
 * @module
 */
export { createHarness, type Harness } from "./harness.ts";
export type { AgainSettings, HarnessOptions, HarnessRunSettings } from "./options.ts";
export type { TestRun } from "./test-run.ts";
export type { TestDeath } from "./test-runner.ts";
export type { TaskName } from "./test-tasks.ts";
