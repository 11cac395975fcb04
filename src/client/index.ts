/**
 * A typed client of Godwit's HTTP API, on Web APIs only: Node, Deno, Bun, browsers and workers.
 *
 * @example
 * import { GodwitClient } from "godwit/client";
 *
 * const client = new GodwitClient({ endpoint: "https://godwit.example.com", token: process.env.GODWIT_TOKEN });
 * for await (const event of client.events(run)) console.log(event.type, event.phase);
 *
 * @module
 */

export type * from "./api.ts";
export { GodwitClient } from "./client.ts";
export type { ConnectionOptions } from "./connection.ts";
export type { FollowOptions } from "./follow.ts";
export type { CallOptions, PostOptions, WaitOptions } from "./requests.ts";
export type { RunTaskOptions } from "./run-task.ts";
export { httpTransport, type TransportOptions } from "./transport.ts";
