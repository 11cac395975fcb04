/** Google Cloud as a place for blobs. */
export { type GcsBlobsOptions, openGcsBlobs } from "./blobs.ts";
export { type GcpIdentity, processIdentity } from "./credentials.ts";
