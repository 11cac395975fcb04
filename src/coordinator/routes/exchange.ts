import type { Channel } from "../../core/protocol.ts";
import { exchange } from "../../engine/exchange.ts";
import { readJournalPage } from "../../engine/news.ts";
import { checkClaims, checkLease, runnerOf, speaksFor } from "../auth/runner.ts";
import { TokenCache } from "../auth/token-cache.ts";
import type { App, Parts } from "../parts.ts";
import { invalidRequest } from "../problem.ts";
import { readBody } from "../read-body.ts";
import { exchangeRequest, journalRequest } from "../schemas/exchange.ts";

/** Runners report, ask for work, and read journals. Not part of the public document. */
export function addExchange(app: App, parts: Parts): void {
  const tokens = new TokenCache(parts.signingKey, "godwit-runner");
  for (const channel of ["report", "poll"] satisfies Channel[]) {
    app.post(`/internal/v1/${channel}`, async (c) => {
      const claims = await runnerOf(c, tokens);
      const request = await readBody(c, exchangeRequest);
      if (request.channel !== channel)
        throw invalidRequest(`a request of the channel ${request.channel} came to ${channel}`);
      checkClaims(claims, request);
      const waitMs = Math.min(request.waitMs ?? 0, parts.limits.maxWaitMs);
      const allowed = { ...request, waitMs, run: claims.run, reach: claims.reach };
      return c.json(await exchange(parts.core, allowed, c.req.raw.signal));
    });
  }

  app.post("/internal/v1/journal", async (c) => {
    const claims = await runnerOf(c, tokens);
    const request = await readBody(c, journalRequest);
    checkLease(claims, request.lease);
    return c.json(await readJournalPage(parts.core, request, (runnerId) => speaksFor(claims, runnerId)));
  });
}
