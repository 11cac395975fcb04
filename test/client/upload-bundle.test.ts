import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { GodwitClient } from "../../src/client/client.ts";

const bytes = new TextEncoder().encode("export const registry = {};\n");
const sha256 = createHash("sha256").update(bytes).digest("hex");
const STORE = "https://store.test/bundles/x?signature=secret";

interface Sent {
  readonly method: string;
  readonly url: string;
  readonly token: string | null;
  readonly body: string;
}

/** A coordinator and a blob store; `store` answers what is written to it. */
function open(
  upload: boolean,
  store: () => Response,
): { readonly client: GodwitClient; readonly sent: Sent[] } {
  const sent: Sent[] = [];
  const fetch = async (url: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const request = new Request(url, init);
    sent.push({
      method: request.method,
      url: request.url,
      token: request.headers.get("Authorization"),
      body: await request.text(),
    });
    if (request.url.startsWith("https://store.test")) return store();
    const signed = { method: "PUT", url: STORE, headers: { "x-size": "28" }, expiresAtMs: 1 };
    return Response.json({ sha256, upload: upload ? signed : null });
  };
  return { client: new GodwitClient({ endpoint: "https://c.test", token: "gw_key", fetch }), sent };
}

test("asks where code goes and sends it there, without the coordinator's credentials", async () => {
  const { client, sent } = open(true, () => new Response(null, { status: 200 }));
  await client.uploadBundle(sha256, bytes);
  expect(sent).toEqual([
    {
      method: "POST",
      url: "https://c.test/v1/bundles",
      token: "Bearer gw_key",
      body: JSON.stringify({ sha256, sizeBytes: bytes.byteLength }),
    },
    { method: "PUT", url: STORE, token: null, body: "export const registry = {};\n" },
  ]);
});

test("sends nothing that is there already", async () => {
  const { client, sent } = open(false, () => new Response(null, { status: 500 }));
  await client.uploadBundle(sha256, bytes);
  expect(sent.map(({ method }) => method)).toEqual(["POST"]);
});

test("tells what the store answered, and not the signature", async () => {
  const { client } = open(true, () => new Response("wrong checksum", { status: 400 }));
  const error: unknown = await client.uploadBundle(sha256, bytes).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({
    code: "BLOB_REQUEST_REFUSED",
    message: expect.stringContaining("wrong checksum"),
  });
  expect(String((error as Error).message)).not.toContain("secret");
});
