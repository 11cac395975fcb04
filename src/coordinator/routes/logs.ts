import { z } from "@hono/zod-openapi";
import type { LogChunkView } from "../../client/api.ts";
import { isTerminal } from "../../core/phase.ts";
import { topics } from "../../engine/hub.ts";
import { readRun } from "../../engine/read.ts";
import { type LogChunk, type LogFilter, listLogs } from "../../store/logs.ts";
import { readVisibleRun } from "../auth/caller.ts";
import { pageOf, readCursor } from "../cursor.ts";
import { BEAT, lastSeen, streamEvents, wantsStream, writeEvent } from "../event-stream.ts";
import type { App, Parts } from "../parts.ts";
import { logChunk } from "../schemas/action.ts";
import { count, jsonContent, listOfItems, pageQuery, runParams } from "../schemas/shared.ts";
import { publicRoute } from "./public-route.ts";

const logs = publicRoute("runs:read", {
  method: "get",
  path: "/v1/runs/{run}/logs",
  summary: "Read the logs of a run",
  description:
    "In the order in which it was written. With `Accept: text/event-stream` everything that is there and everything " +
    "that comes, until the run has ended; `Last-Event-ID` goes on after what was seen.",
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
    if (wantsStream(c.req.header("Accept"))) {
      return follow(c.var.parts, filter, lastSeen(c.req.header("Last-Event-ID")) ?? 0);
    }
    const key = ["logs", filter];
    const page = { after: readCursor<number>(key, cursor), limit: limit + 1 };
    const rows = await core.driver.read((sql) => listLogs(sql, filter, page));
    const position = (row: LogChunk): number => row.seq;
    return c.json(pageOf(rows, { limit, list: key, position }, chunkView), 200);
  });
}

function chunkView({ action_id: action, attempt, seq, body }: LogChunk): LogChunkView {
  return { action, attempt, seq, lines: JSON.parse(body) as LogChunkView["lines"] };
}

/** Nobody waits longer than this without looking into the store. */
const LOOK_AGAIN_MS = 1_000;
const CHUNKS_PER_READ = 100;

function follow({ core, limits }: Parts, filter: LogFilter, lastId: number): Response {
  async function* chunks(signal: AbortSignal): AsyncGenerator<string> {
    let after = lastId;
    let quietSinceMs = core.clock.now();
    while (!signal.aborted) {
      const listener = core.hub.listen([topics.logs(filter.runId), topics.run(filter.runId)]);
      try {
        // The run is read first: what it logged before it ended is then there to be read.
        const { phase } = await readRun(core, filter.runId);
        for (;;) {
          const rows = await core.driver.read((sql) =>
            listLogs(sql, filter, { after, limit: CHUNKS_PER_READ }),
          );
          if (rows.length === 0) break;
          quietSinceMs = core.clock.now();
          yield rows.map(eventOf).join("");
          after = rows.at(-1)?.seq ?? after;
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

function eventOf(row: LogChunk): string {
  return writeEvent({ id: String(row.seq), event: "log", data: chunkView(row) });
}
