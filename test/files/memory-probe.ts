import { openLocalBlobs } from "../../adapters/local/blobs.ts";
import { openRemoteBlobs } from "../../adapters/remote/open.ts";
import { type OpenBlobs, projectBlobs } from "../../src/runner/blob-places.ts";
import { createHarness } from "../../src/testing/index.ts";
import { pass } from "./tasks.ts";

/**
 * Passes a file of so many MiB from one task to another, through a folder or the blob store of a coordinator, and prints
 * the peak memory of the process, in KiB.
 */
const [place = "", mib = "0"] = process.argv.slice(2);
const blobs: OpenBlobs = place.startsWith("http:")
  ? ({ project }) => openRemoteBlobs({ endpoint: place, project })
  : projectBlobs(openLocalBlobs({ folder: place }));
const harness = await createHarness({ clock: "real", values: { blobs } });
const bytes = Number(mib) * 1024 * 1024;
const result = await (await harness.run(pass, { bytes })).result();
await harness.close();
console.log(JSON.stringify({ bytes: result.bytes, peakKiB: process.resourceUsage().maxRSS }));
