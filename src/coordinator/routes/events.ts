import { z } from "@hono/zod-openapi";
import type { EventPage } from "../../client/api.ts";
import { isTerminal } from "../../core/phase.ts";
import { watchEvents } from "../../engine/read.ts";
import { readVisibleRun } from "../auth/caller.ts";
import { BEAT, lastSeen, streamEvents, wantsStream, writeEvent } from "../event-stream.ts";
import type { App, Parts } from "../parts.ts";
import { eventPage } from "../schemas/run.ts";
import { count, jsonContent, runParams, wait } from "../schemas/shared.ts";
import { waitMsOf } from "../started-run.ts";
import { publicRoute } from "./public-route.ts";

const events = publicRoute(
  "runs:read",
  {
    method: "get",
    path: "/v1/runs/{run}/events",
    summary: "Follow what happens in a run",
    description:
      "With `Accept: text/event-stream` a stream that ends after the run's last event; go on after a cut with " +
      "`Last-Event-ID`. Otherwise a page of events after `after`, as soon as there are any within `wait`.",
    tags: ["runs"],
    request: {
      params: runParams,
      query: z.object({ after: count(0, Number.MAX_SAFE_INTEGER), wait }),
    },
    responses: {
      200: {
        description: "The events",
        content: { ...jsonContent(eventPage), "text/event-stream": { schema: z.string() } },
      },
      204: { description: "The stream has ended and there is nothing after `Last-Event-ID`" },
    },
  },
  { isOpenToTasks: true },
);

/** Following a run. */
export function addEvents(app: App): void {
  app.openapi(events, async (c) => {
    const { core } = c.var.parts;
    const run = await readVisibleRun(core, c.var.caller, c.req.valid("param").run);
    const query = c.req.valid("query");
    const after = lastSeen(c.req.header("Last-Event-ID")) ?? query.after ?? 0;
    if (!wantsStream(c.req.header("Accept"))) {
      const waitMs = waitMsOf(c, query.wait);
      return c.json(await nextEvents(c.var.parts, run.id, { after, waitMs, signal: c.req.raw.signal }), 200);
    }
    // An EventSource connects again after any end but this one.
    if (run.ended_ms !== null && after >= run.event_seq) return c.body(null, 204);
    return stream(c.var.parts, run.id, after);
  });
}

async function nextEvents(
  { core }: Parts,
  run: string,
  at: { readonly after: number; readonly waitMs: number; readonly signal: AbortSignal },
): Promise<EventPage> {
  for await (const data of watchEvents(core, run, {
    after: at.after,
    beatMs: at.waitMs,
    signal: at.signal,
  })) {
    const isEnded = data.some((event) => event.type === "run" && isTerminal(event.phase));
    return { data, after: data.at(-1)?.seq ?? at.after, isEnded };
  }
  return { data: [], after: at.after, isEnded: !at.signal.aborted };
}

function stream({ core, limits }: Parts, run: string, after: number): Response {
  async function* chunks(signal: AbortSignal): AsyncGenerator<string> {
    for await (const batch of watchEvents(core, run, { after, beatMs: limits.beatMs, signal })) {
      if (batch.length === 0) yield BEAT;
      else
        yield batch
          .map((event) => writeEvent({ id: String(event.seq), event: event.type, data: event }))
          .join("");
    }
  }
  return streamEvents(chunks, {
    maxMs: limits.maxStreamMs,
    after: (delayMs, run) => core.clock.after(delayMs, run),
  });
}
