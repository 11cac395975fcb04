import { hash } from "node:crypto";
import type { Context, MiddlewareHandler } from "hono";
import { GodwitError } from "../core/errors.ts";
import { base32 } from "../core/identity.ts";
import {
  answerIdempotency,
  deleteIdempotency,
  type IdempotencyRow,
  insertIdempotency,
  readIdempotency,
  renewIdempotency,
  sweepIdempotency,
} from "../store/idempotency.ts";
import type { Caller } from "./auth/caller.ts";
import type { CoordinatorEnv } from "./parts.ts";
import { invalidRequest } from "./problem.ts";

/** How long a reply is kept. */
const KEPT_MS = 24 * 3_600_000;
/** A request that has been worked on for longer than any may take was cut off: the next one takes over. */
const ABANDONED_MS = 90_000;
const SWEEP_EVERY_MS = 3_600_000;
const RUN_ID_CHARACTERS = 32;

/** What whoever works on a request leaves with its key. */
interface Note {
  /** Id for the run the request starts: whoever takes over uses it again, so there is one run at most. */
  readonly runId: string;
  /** 0: given up, anybody may take over. */
  readonly sinceMs: number;
}

/** A reply as it is kept. */
interface KeptReply {
  readonly type: string;
  readonly location: string | null;
  readonly body: string;
}

/**
 * Answers a POST with an `Idempotency-Key` once: the same request again gets the stored reply. Replies that say that
 * nothing was done are not kept, so a corrected or repeated request is a new one.
 */
export const onceOnly: MiddlewareHandler<CoordinatorEnv> = async (c, next) => {
  const key = c.req.header("Idempotency-Key");
  if (key === undefined) return next();
  if (!/^[\x21-\x7e]{1,255}$/.test(key)) {
    throw invalidRequest("`Idempotency-Key` is 1 to 255 visible ASCII characters");
  }
  const claim = await claimKey(c, key);
  if ("reply" in claim) return claim.reply;
  c.set("runId", claim.note.runId);
  await next();
  await keepReply(c, key, claim.note);
  return undefined;
};

async function claimKey(
  c: Context<CoordinatorEnv>,
  key: string,
): Promise<{ readonly reply: Response } | { readonly note: Note }> {
  const { driver, clock, random } = c.var.parts.core;
  const scope = c.var.caller.id;
  const nowMs = clock.now();
  const requestHash = hash("sha256", `${c.req.method} ${targetOf(c)}\n${await c.req.text()}`, "base64url");
  const fresh: Note = { runId: runIdFor(c.var.caller, key) ?? random.id(), sinceMs: nowMs };
  const found = await driver.transaction(async (sql) => {
    if (isSweepDue(driver, nowMs)) await sweepIdempotency(sql, nowMs - KEPT_MS);
    const row = { scope, key, request_hash: requestHash, created_ms: nowMs, body: JSON.stringify(fresh) };
    if (await insertIdempotency(sql, row)) return undefined;
    return readIdempotency(sql, scope, key);
  });
  if (found === undefined) return { note: fresh };
  if (found.request_hash !== requestHash) {
    throw new GodwitError("IDEMPOTENCY_KEY_REUSED", `the key "${key}" was used for another request`);
  }
  if (found.status !== null) return { reply: replay(c, found) };
  return { note: await takeOver(c, found) };
}

/**
 * A task repeats its start as long as its run is replayed, which may be after the reply is forgotten: the id of the run
 * that it starts follows from the key.
 */
function runIdFor({ id, run }: Caller, key: string): string | undefined {
  return run === undefined ? undefined : base32(hash("sha256", `${id}\n${key}`, "buffer"), RUN_ID_CHARACTERS);
}

/** What a request is for. How long it waits changes nothing about it. */
function targetOf(c: Context<CoordinatorEnv>): string {
  const query = new URL(c.req.url).searchParams;
  query.delete("wait");
  query.sort();
  return query.size === 0 ? c.req.path : `${c.req.path}?${query}`;
}

/** Goes on with a request that somebody else began and did not end. */
async function takeOver(c: Context<CoordinatorEnv>, found: IdempotencyRow): Promise<Note> {
  const { driver, clock } = c.var.parts.core;
  const nowMs = clock.now();
  const from = found.body ?? "";
  const old = JSON.parse(from) as Note;
  const note: Note = { runId: old.runId, sinceMs: nowMs };
  const isAbandoned = nowMs - old.sinceMs >= ABANDONED_MS;
  const claim = { scope: found.scope, key: found.key, from, to: JSON.stringify(note) };
  if (isAbandoned && (await driver.transaction((sql) => renewIdempotency(sql, claim)))) return note;
  throw new GodwitError("IDEMPOTENCY_IN_PROGRESS", `the first request with the key "${found.key}" goes on`);
}

function replay(c: Context<CoordinatorEnv>, found: IdempotencyRow): Response {
  const { type, location, body } = JSON.parse(found.body ?? "{}") as KeptReply;
  const headers = { "Content-Type": type, "Idempotency-Replayed": "true" };
  return c.newResponse(body, (found.status ?? 200) as 200, {
    ...headers,
    ...(location !== null && { Location: location }),
  });
}

async function keepReply(c: Context<CoordinatorEnv>, key: string, note: Note): Promise<void> {
  const { driver } = c.var.parts.core;
  const scope = c.var.caller.id;
  const { status, headers } = c.res;
  const isSecret = headers.get("Cache-Control") === "no-store";
  if (status < 400 && !isSecret) {
    const body = await c.res.clone().text();
    const reply: KeptReply = {
      type: headers.get("Content-Type") ?? "",
      location: headers.get("Location"),
      body,
    };
    await driver.transaction((sql) =>
      answerIdempotency(sql, { scope, key, status, body: JSON.stringify(reply) }),
    );
  } else if (status >= 400 && status < 500)
    await driver.transaction((sql) => deleteIdempotency(sql, scope, key));
  else {
    // It had its effect, or may have had it before it failed, so the repetition has to use the same id. A reply with
    // a secret is kept nowhere: the repetition makes another secret.
    const to = JSON.stringify({ ...note, sinceMs: 0 });
    const claim = { scope, key, from: JSON.stringify(note), to };
    await driver.transaction((sql) => renewIdempotency(sql, claim));
  }
}

/** When each database was last swept by this process. */
const swept = new WeakMap<object, number>();

function isSweepDue(driver: object, nowMs: number): boolean {
  if (nowMs - (swept.get(driver) ?? 0) < SWEEP_EVERY_MS) return false;
  swept.set(driver, nowMs);
  return true;
}
