import { importPackage } from "../import-package.ts";

/** Who asks Google: a token for requests, and a signature for URLs. */
export interface GcpIdentity {
  /** An access token that may read and write storage. */
  token(): Promise<string>;
  /** The service account that `sign` signs as. */
  email(): Promise<string>;
  /** RSA-SHA256 over the text, in base64. */
  sign(text: string): Promise<string>;
}

const STORAGE_SCOPE = "https://www.googleapis.com/auth/devstorage.read_write";
const SIGNING_SCOPE = "https://www.googleapis.com/auth/iam";

/**
 * The identity of this process by Google's own rules: `GOOGLE_APPLICATION_CREDENTIALS`, workload identity
 * federation, `gcloud`, or the metadata server. Without a private key, URLs are signed by the IAM service, which
 * needs the right `iam.serviceAccounts.signBlob`. Needs the package `google-auth-library`.
 */
export function processIdentity(): GcpIdentity {
  const auth = (async () => {
    const { GoogleAuth } = await importPackage("google-auth-library", () => import("google-auth-library"));
    return new GoogleAuth({ scopes: [STORAGE_SCOPE, SIGNING_SCOPE] });
  })();
  // Whoever asks hears of a missing package; nobody has to ask.
  auth.catch(() => undefined);
  return {
    token: async () => (await (await auth).getAccessToken()) ?? "",
    email: async () => (await (await auth).getCredentials()).client_email ?? "",
    sign: async (text) => (await auth).sign(text),
  };
}
