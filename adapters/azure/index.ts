/** Azure as a place for blobs. */
export { type AzureBlobsOptions, openAzureBlobs } from "./blobs.ts";
export { type AzureCredential, type AzureTokenSource, processIdentity } from "./credentials.ts";
