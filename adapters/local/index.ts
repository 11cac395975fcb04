/** This machine as a backend and store. */
export { type LocalBlobServer, serveLocalBlob } from "./blob-server.ts";
export {
  type LocalUrlCheck,
  type LocalUrlClaims,
  type LocalUrlSigning,
  signLocalUrl,
  verifyLocalUrl,
} from "./blob-urls.ts";
export { type LocalBlobsOptions, openLocalBlobs } from "./blobs.ts";
export { type CredentialsOptions, type HeldCredentials, holdCredentials } from "./credentials.ts";
export { type LocalRunners, startLocalRunners } from "./runners.ts";
export { type LocalSecretsOptions, openLocalSecrets } from "./secrets.ts";
export type { LocalRunnersOptions, RunnerDeath } from "./supervisor.ts";
