import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { Hono } from "hono";
import type { Bundles, CoordinatorEnv } from "../../coordinator/parts.ts";
import { GodwitError } from "../../core/errors.ts";
import { bundlePath, keepBundle } from "../../runner/bundles.ts";

/** Bundles in a folder of this machine. */
export function folderBundles(dir: string): Bundles {
  return {
    get: (hash) => readFile(bundlePath(dir, hash)).catch(() => null),
  };
}

/** Takes bundles from `godwit run --endpoint`; their names are the hashes of their content, so twice is a no-op. */
export function addUpload(app: Hono<CoordinatorEnv>, dir: string): void {
  app.put("/v1/bundles/:hash", async (c) => {
    const hash = c.req.param("hash");
    const bytes = new Uint8Array(await c.req.arrayBuffer());
    const found = createHash("sha256").update(bytes).digest("hex");
    if (found !== hash) {
      throw new GodwitError(
        "INVALID_REQUEST",
        `the bundle arrived damaged: its SHA-256 is ${found}, not ${hash}`,
      );
    }
    await keepBundle(dir, hash, bytes);
    return c.body(null, 204);
  });
}
