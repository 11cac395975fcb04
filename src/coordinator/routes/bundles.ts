import { GodwitError } from "../../core/errors.ts";
import { checkBundle, runnerOf } from "../auth/runner.ts";
import { TokenCache } from "../auth/token-cache.ts";
import type { App, Parts } from "../parts.ts";
import { invalidRequest } from "../problem.ts";

/** Runners fetch code. Not part of the public document. */
export function addBundles(app: App, parts: Parts): void {
  const tokens = new TokenCache(parts.signingKey, "godwit-runner");
  app.get("/internal/v1/bundles/:hash", async (c) => {
    const claims = await runnerOf(c, tokens);
    const hash = c.req.param("hash");
    if (!/^[A-Za-z0-9_-]{16,128}$/.test(hash))
      throw invalidRequest("a bundle is named by the hash of its content");
    await checkBundle(parts.core, claims, hash);
    const bytes = await parts.bundles.get(hash);
    if (bytes === null) throw new GodwitError("NOT_FOUND", `there is no bundle "${hash}"`);
    // The name is the hash of the content, so what was fetched once never changes.
    c.header("Cache-Control", "private, max-age=31536000, immutable");
    c.header("Content-Type", "application/octet-stream");
    return c.body(bytes as Uint8Array<ArrayBuffer>);
  });
}
