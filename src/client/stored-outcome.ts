import { contentKey, projectPrefix } from "../core/blob-keys.ts";
import type { Json } from "../core/error-record.ts";
import { GodwitError } from "../core/errors.ts";
import { isStored, readStored } from "../core/value/stored.ts";
import type { BlobsBody, BlobsReply, OutcomeView } from "./api.ts";
import { type Connection, readJson } from "./connection.ts";
import { readSigned } from "./signed-request.ts";

/** What is answered with an outcome in it. */
interface WithOutcome {
  readonly project: string;
  readonly outcome: OutcomeView | null;
}

const RETRIES = 3;

/**
 * A reply whose outcome is whole: a large value, of which the coordinator only has the hash, is fetched from the blob
 * store.
 *
 * @throws GodwitError VALUE_LOST; BLOB_CHECKSUM_MISMATCH; what the coordinator or the store answers
 */
export async function withWholeOutcome<Reply extends WithOutcome>(
  connection: Connection,
  reply: Reply,
  { run, signal }: { readonly run: string; readonly signal?: AbortSignal | undefined },
): Promise<Reply> {
  const { outcome, project } = reply;
  if (outcome?.ok !== true) return reply;
  const text = JSON.stringify(outcome.value) ?? "";
  const stored = isStored(text) ? readStored(text) : null;
  if (stored === null) return reply;
  const { sha256 } = stored;
  const bytes = await fetchContent(connection, { project, sha256, signal });
  if (bytes === null) {
    const message = `the result of the run ${run} is not in the blob store any more (SHA-256 ${sha256})`;
    throw new GodwitError("VALUE_LOST", message, { details: { ...stored, run } });
  }
  await checkHash(bytes, sha256);
  return { ...reply, outcome: { ok: true, value: JSON.parse(new TextDecoder().decode(bytes)) as Json } };
}

interface Content {
  readonly project: string;
  readonly sha256: string;
  readonly signal: AbortSignal | undefined;
}

async function fetchContent(
  connection: Connection,
  { project, sha256, signal }: Content,
): Promise<Uint8Array<ArrayBuffer> | null> {
  const key = contentKey(projectPrefix(project), sha256);
  const body: BlobsBody = { project, requests: [{ op: "get", key }] };
  const call = { method: "POST", path: "/v1/blobs", body: JSON.stringify(body), retries: RETRIES } as const;
  const headers = { "Content-Type": "application/json" };
  const { results } = await connection.send({ ...call, headers, signal }, readJson<BlobsReply>);
  const [result] = results;
  if (result?.ok === true && "request" in result.answer) {
    return readSigned(result.answer.request, { signal, fetch: connection.fetch });
  }
  const detail = result?.ok === false ? result.problem.detail : "the coordinator signed no URL";
  throw new GodwitError("BLOB_STORE_UNAVAILABLE", `the result cannot be fetched: ${detail}`);
}

async function checkHash(bytes: Uint8Array<ArrayBuffer>, sha256: string): Promise<void> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  const found = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
  if (found === sha256) return;
  const message = `a result has the SHA-256 ${found}, not ${sha256}`;
  throw new GodwitError("BLOB_CHECKSUM_MISMATCH", message);
}
