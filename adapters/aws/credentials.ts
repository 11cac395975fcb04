import { readFile } from "node:fs/promises";
import { GodwitError } from "../../src/core/errors.ts";

/** What signs a request. Every credential provider of AWS's own SDK returns it. */
export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
  readonly expiration?: Date | undefined;
}

export type AwsCredentialSource = () => Promise<AwsCredentials>;

/** Credentials are asked for again this long before they end. */
const MARGIN_MS = 5 * 60_000;

/**
 * The credentials of this process: from the environment (Lambda, CI, a shell), or from the container endpoint (ECS,
 * Batch, Fargate). For anything else pass a provider, such as `fromNodeProviderChain()` of the AWS SDK.
 */
export function processCredentials(env: NodeJS.ProcessEnv = process.env): AwsCredentialSource {
  return async () => fromEnvironment(env) ?? (await fromContainer(env));
}

/** Asks `source` only when what it said last is about to end; calls at the same time share one answer. */
export function cached(source: AwsCredentialSource, nowMs: () => number): AwsCredentialSource {
  let last: Promise<AwsCredentials> | undefined;
  let endsMs = Number.NEGATIVE_INFINITY;
  return () => {
    if (last !== undefined && nowMs() < endsMs - MARGIN_MS) return last;
    endsMs = Number.POSITIVE_INFINITY;
    last = source().then(
      (credentials) => {
        endsMs = credentials.expiration?.getTime() ?? Number.POSITIVE_INFINITY;
        return credentials;
      },
      (error: unknown) => {
        last = undefined;
        throw error;
      },
    );
    return last;
  };
}

function fromEnvironment(env: NodeJS.ProcessEnv): AwsCredentials | undefined {
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = env;
  if (!accessKeyId || !secretAccessKey) return undefined;
  return { accessKeyId, secretAccessKey, sessionToken: env.AWS_SESSION_TOKEN || undefined };
}

async function fromContainer(env: NodeJS.ProcessEnv): Promise<AwsCredentials> {
  const relative = env.AWS_CONTAINER_CREDENTIALS_RELATIVE_URI;
  const url = relative ? `http://169.254.170.2${relative}` : env.AWS_CONTAINER_CREDENTIALS_FULL_URI;
  if (!url) {
    throw new GodwitError("BLOB_ACCESS_DENIED", "this process has no AWS credentials", {
      hint: "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or pass `credentials`.",
    });
  }
  const file = env.AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE;
  const token = file ? await readFile(file, "utf8") : env.AWS_CONTAINER_AUTHORIZATION_TOKEN;
  const headers: Record<string, string> = token ? { authorization: token.trim() } : {};
  const response = await fetch(url, { headers, signal: AbortSignal.timeout(5_000) });
  if (!response.ok) {
    throw new GodwitError("BLOB_ACCESS_DENIED", `the container's credentials answered ${response.status}`);
  }
  const found = (await response.json()) as Record<
    "AccessKeyId" | "SecretAccessKey" | "Token" | "Expiration",
    string
  >;
  return {
    accessKeyId: found.AccessKeyId,
    secretAccessKey: found.SecretAccessKey,
    sessionToken: found.Token,
    expiration: new Date(found.Expiration),
  };
}
