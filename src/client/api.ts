/**
 * The bodies of the public HTTP API, as the coordinator writes and the client reads them. Times are epoch
 * milliseconds; a value is tagged JSON, in which everything JSON has looks as usual.
 */
export type * from "./api/action.ts";
export type * from "./api/blob.ts";
export type * from "./api/deployment.ts";
export type * from "./api/event.ts";
export type * from "./api/key.ts";
export type * from "./api/page.ts";
export type * from "./api/problem.ts";
export type * from "./api/run.ts";
export type * from "./api/runner.ts";
