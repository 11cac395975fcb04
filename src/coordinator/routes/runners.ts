import { GodwitError } from "../../core/errors.ts";
import { loseRunner } from "../../engine/lost.ts";
import { answerIdempotency, insertIdempotency, readIdempotency } from "../../store/idempotency.ts";
import { runnerOf, speaksFor } from "../auth/runner.ts";
import type { VerifiedToken } from "../auth/runner-token.ts";
import { TokenCache } from "../auth/token-cache.ts";
import type { App, Parts } from "../parts.ts";
import { readBody } from "../read-body.ts";
import { lostRequest } from "../schemas/exchange.ts";

/** Supervisors tell how their runners ended. Not part of the public document. */
export function addRunners(app: App, parts: Parts): void {
  const tokens = new TokenCache(parts.signingKey, "godwit-supervisor");
  app.post("/internal/v1/runners/:id/lost", async (c) => {
    const runnerId = c.req.param("id");
    const claims = await runnerOf(c, tokens);
    if (!speaksFor(claims, runnerId)) throw notFor(runnerId);
    const death = await readBody(c, lostRequest);
    await once(parts, claims as Partial<VerifiedToken>, runnerId, () =>
      loseRunner(parts.core, runnerId, death),
    );
    return c.body(null, 204);
  });
}

const SCOPE = "supervisor";

/**
 * A token is good for one death of each runner: a runner that came back under the same id is another one. A repeated
 * request is answered like the first; one that was cut off may do its work again, because losing is idempotent.
 */
async function once(
  { core }: Parts,
  { id }: Partial<VerifiedToken>,
  runnerId: string,
  effect: () => Promise<void>,
): Promise<void> {
  if (id === undefined) return effect();
  const key = `${id} ${runnerId}`;
  const isUsed = await core.driver.transaction(async (sql) => {
    const row = { scope: SCOPE, key, request_hash: "", created_ms: core.clock.now(), body: "" };
    if (await insertIdempotency(sql, row)) return false;
    return (await readIdempotency(sql, SCOPE, key))?.status === 204;
  });
  if (isUsed) return;
  await effect();
  await core.driver.transaction((sql) =>
    answerIdempotency(sql, { scope: SCOPE, key, status: 204, body: "" }),
  );
}

function notFor(runnerId: string): GodwitError {
  return new GodwitError("FORBIDDEN", `the supervisor's token is not for the runner "${runnerId}"`);
}
