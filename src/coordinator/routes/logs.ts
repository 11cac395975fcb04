import { z } from "@hono/zod-openapi";
import type { LogChunkView } from "../../client/api.ts";
import { isTerminal } from "../../core/phase.ts";
import { topics } from "../../engine/hub.ts";
import { readRun } from "../../engine/read.ts";
import { type LogFilter, type LogPosition, lastChunks, listLogs } from "../../store/list-logs.ts";
import type { LogChunk } from "../../store/logs.ts";
import { readVisibleRun } from "../auth/caller.ts";
import { pageOf, readCursor } from "../cursor.ts";
import { BEAT, streamEvents, wantsStream, writeEvent } from "../event-stream.ts";
import type { App, Parts } from "../parts.ts";
import { logChunk } from "../schemas/action.ts";
import { count, jsonContent, listOfItems, pageQuery, runParams } from "../schemas/shared.ts";
import { publicRoute } from "./public-route.ts";

const logs = publicRoute("runs:read", {
  method: "get",
  path: "/v1/runs/{run}/logs",
  summary: "Read the logs of a run",
  description:
    "By action, then attempt, then time. With `Accept: text/event-stream` everything that is there and everything " +
    "that comes, until the run has ended; a follower that connects again leaves out what it has by action, attempt " +
    "and `seq`.",
  tags: ["runs"],
  request: {
    params: runParams,
    query: z.object({ ...pageQuery, action: z.string().optional(), attempt: count(1, 1_000_000) }),
  },
  responses: {
    200: {
      description: "Lines that were written together",
      content: { ...jsonContent(listOfItems(logChunk)), "text/event-stream": { schema: z.string() } },
    },
  },
});

/** Reading and following logs. */
export function addLogs(app: App): void {
  app.openapi(logs, async (c) => {
    const { core } = c.var.parts;
    const { limit = 50, cursor, action = null, attempt = null } = c.req.valid("query");
    const { id: runId } = await readVisibleRun(core, c.var.caller, c.req.valid("param").run);
    const filter = { runId, action, attempt };
    if (wantsStream(c.req.header("Accept"))) return follow(c.var.parts, filter);
    const key = ["logs", filter];
    const page = { after: readCursor<LogPosition>(key, cursor), limit: limit + 1 };
    const rows = await core.driver.read((sql) => listLogs(sql, filter, page));
    const position = (row: LogChunk): LogPosition => [row.action_id, row.attempt, row.seq];
    return c.json(pageOf(rows, { limit, list: key, position }, chunkView), 200);
  });
}

function chunkView({ action_id: action, attempt, seq, body }: LogChunk): LogChunkView {
  return { action, attempt, seq, lines: JSON.parse(body) as LogChunkView["lines"] };
}

/** Nobody waits longer than this without looking into the store. */
const LOOK_AGAIN_MS = 1_000;
const CHUNKS_PER_READ = 100;

function follow({ core, limits }: Parts, filter: LogFilter): Response {
  async function* chunks(signal: AbortSignal): AsyncGenerator<string> {
    const seen = new Map<string, number>();
    let quietSinceMs = core.clock.now();
    while (!signal.aborted) {
      const listener = core.hub.listen([topics.logs(filter.runId), topics.run(filter.runId)]);
      try {
        // The run is read first: what it logged before it ended is then there to be read.
        const { phase } = await readRun(core, filter.runId);
        for await (const text of newChunks(core, filter, seen)) {
          quietSinceMs = core.clock.now();
          yield text;
        }
        if (isTerminal(phase)) {
          yield writeEvent({ event: "end", data: {} });
          return;
        }
        if (core.clock.now() - quietSinceMs >= limits.beatMs) {
          quietSinceMs = core.clock.now();
          yield BEAT;
        }
        await listener.wait(Math.min(limits.beatMs, LOOK_AGAIN_MS), signal);
      } finally {
        listener.stop();
      }
    }
  }
  return streamEvents(chunks, {
    maxMs: limits.maxStreamMs,
    after: (delayMs, run) => core.clock.after(delayMs, run),
  });
}

/** The chunks that came since the last look, of every attempt that has any. */
async function* newChunks(
  core: Parts["core"],
  filter: LogFilter,
  seen: Map<string, number>,
): AsyncGenerator<string> {
  for (const last of await core.driver.read((sql) => lastChunks(sql, filter))) {
    const name = `${last.action_id} ${last.attempt}`;
    const one = { ...filter, action: last.action_id, attempt: last.attempt };
    for (let at = seen.get(name) ?? 0; at < last.seq; ) {
      const after: LogPosition = [last.action_id, last.attempt, at];
      const rows = await core.driver.read((sql) => listLogs(sql, one, { after, limit: CHUNKS_PER_READ }));
      at = rows.at(-1)?.seq ?? last.seq;
      seen.set(name, at);
      yield rows.map((row) => writeEvent({ event: "log", data: chunkView(row) })).join("");
    }
  }
}
