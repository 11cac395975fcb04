/** Amazon Web Services as a place for blobs. */
export { openS3Blobs, type S3BlobsOptions } from "./blobs.ts";
export { type AwsCredentialSource, type AwsCredentials, processCredentials } from "./credentials.ts";
