import { sharedKeyHeader } from "../../adapters/azure/credentials.ts";
import { blobContract, type OpenedStore } from "./contract.ts";
import { AZURITE, containerName, startAzurite } from "./servers/azurite.ts";
import { OPEN } from "./stores.ts";

const NO_FAULTS = "Azurite cannot be told to break; the transport is the same as for S3 and GCS";

async function open(): Promise<OpenedStore> {
  const azurite = await startAzurite();
  const endpoint = `${azurite.url}/${AZURITE.account}`;
  const container = containerName(String(process.pid));
  await createContainer(`${endpoint}/${container}?restype=container`);
  const args = [endpoint, container];
  return {
    store: OPEN.azure?.(...args) as OpenedStore["store"],
    probe: ["azure", ...args],
    close: () => azurite.stop(),
  };
}

async function createContainer(url: string): Promise<void> {
  const headers = { "x-ms-date": new Date().toUTCString(), "x-ms-version": "2022-11-02" };
  const call = { method: "PUT", url: new URL(url), headers, bodyBytes: 0 };
  const authorization = sharedKeyHeader(AZURITE.account, AZURITE.accountKey, call);
  const reply = await fetch(url, { method: "PUT", headers: { ...headers, authorization } });
  if (reply.status !== 201) throw new Error(await reply.text());
}

blobContract("Azure Blob Storage (Azurite)", open, {
  "refuses a signed PUT of another length":
    "a SAS cannot limit the length; the reader finds it by the SHA-256",
  "refuses a signed PUT of other bytes": "a SAS cannot bind the content; the reader finds it by the SHA-256",
  "waits and tries again when it is throttled": NO_FAULTS,
  "is the creator also when the reply was lost": NO_FAULTS,
  "resumes a download that broke off, and notices one that ended early": NO_FAULTS,
  "finds bytes that were changed on their way": NO_FAULTS,
  "does not wait for ever for a reply": NO_FAULTS,
  "says that a blob was replaced rather than mixing two": NO_FAULTS,
});
