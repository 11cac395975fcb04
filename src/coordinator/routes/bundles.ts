import type { BundleDownload } from "../../client/api.ts";
import { bundleKey } from "../../core/blob-keys.ts";
import { GodwitError } from "../../core/errors.ts";
import { checkBundle } from "../auth/bundle-reach.ts";
import { runnerOf } from "../auth/runner.ts";
import { hasBundle, signUpload } from "../bundle-store.ts";
import type { App, Parts } from "../parts.ts";
import { invalidRequest } from "../problem.ts";
import * as schemas from "../schemas/blob.ts";
import { jsonContent } from "../schemas/shared.ts";
import { blobsOf, signedMs } from "../signed-blobs.ts";
import { publicRoute } from "./public-route.ts";

const upload = publicRoute("tasks:deploy", {
  method: "post",
  path: "/v1/bundles",
  summary: "Ask where to send the code of a deployment",
  tags: ["deployments"],
  request: { body: { content: jsonContent(schemas.bundleBody), required: true } },
  responses: {
    200: { description: "Where to send it, or that it is there", content: jsonContent(schemas.bundleUpload) },
  },
});

/** Code goes to the blob store and comes from there; the coordinator only says where. */
export function addBundles(app: App, parts: Parts): void {
  app.openapi(upload, async (c) => {
    // A signed URL is a credential: it is kept nowhere.
    c.header("Cache-Control", "no-store");
    return c.json(await signUpload(blobsOf(parts), c.req.valid("json")), 200);
  });

  app.get("/internal/v1/bundles/:hash", async (c) => {
    const claims = await runnerOf(c, parts.runnerTokens);
    const hash = c.req.param("hash");
    if (!/^[A-Za-z0-9_-]{16,128}$/.test(hash))
      throw invalidRequest("a bundle is named by the hash of its content");
    await checkBundle(parts.core, claims, hash);
    const blobs = blobsOf(parts);
    if (!(await hasBundle(blobs, hash))) throw new GodwitError("NOT_FOUND", `there is no bundle "${hash}"`);
    const download = await blobs.signGet({ key: bundleKey(hash), expiresInMs: signedMs(blobs) });
    c.header("Cache-Control", "no-store");
    return c.json({ sha256: hash, download } satisfies BundleDownload);
  });
}
