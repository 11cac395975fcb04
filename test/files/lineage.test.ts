import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { openLocalBlobs } from "../../adapters/local/blobs.ts";
import type { EdgeView, ListPage } from "../../src/client/api.ts";
import { createCoordinator } from "../../src/coordinator/app.ts";
import { projectBlobs } from "../../src/runner/blob-places.ts";
import { createHarness } from "../../src/testing/index.ts";
import { move } from "./tasks.ts";

it("shows the lineage of a run, page by page", async () => {
  const folder = await mkdtemp(join(tmpdir(), "godwit-lineage-"));
  await writeFile(join(folder, "a"), "1");
  const blobs = openLocalBlobs({ folder: await mkdtemp(join(tmpdir(), "godwit-lineage-blobs-")) });
  const harness = await createHarness({ values: { blobs: projectBlobs(blobs) } });
  const run = await harness.run(move, { from: folder, to: join(folder, "to") });
  const { dir } = await run.result();
  const signingKey = new Uint8Array(32).fill(7);
  const app = createCoordinator({ core: harness.core, auth: { mode: "open" }, signingKey });
  const seen: EdgeView[] = [];
  let cursor = "";
  do {
    const reply = await app.request(`/v1/runs/${run.id}/lineage?limit=1${cursor}`);
    expect(reply.status).toBe(200);
    const page = (await reply.json()) as ListPage<EdgeView>;
    seen.push(...page.data);
    cursor = page.nextCursor === null ? "" : `&cursor=${encodeURIComponent(page.nextCursor)}`;
  } while (cursor !== "");
  expect(seen).toHaveLength(4);
  expect(seen.find(({ direction }) => direction === "in")).toMatchObject({
    kind: "dir",
    sha256: dir.hash,
    producer: dir.producer,
  });
  expect((await app.request("/v1/runs/none/lineage")).status).toBe(404);
  await harness.close();
  await rm(folder, { recursive: true });
});
