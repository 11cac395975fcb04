import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type HeldCredentials, holdCredentials } from "../../adapters/local/credentials.ts";
import { createApiKey } from "../../src/coordinator/auth/api-keys.ts";
import type { GodwitError } from "../../src/core/errors.ts";
import { type Listening, listen } from "../../src/server/listen.ts";
import { revokeApiKey } from "../../src/store/api-keys.ts";
import { openSystem, type System } from "../coordinator/system.ts";

let system: System;
let server: Listening;
let apiKey: string;
let keyId: string;
let held: HeldCredentials | undefined;
const refused = Promise.withResolvers<GodwitError>();
/** The coordinator answers nobody. */
let isAway = false;

beforeEach(async () => {
  isAway = false;
  system = await openSystem({ auth: { mode: "keys" }, limits: { runnerTokenMs: 100 } });
  server = await listen({
    port: 0,
    fetch: (request) => (isAway ? new Response("away", { status: 502 }) : system.app.fetch(request)),
  });
  ({ key: apiKey, id: keyId } = await createApiKey(system.core, { name: "r", scopes: ["runners"] }));
});
afterEach(async () => {
  held?.stop();
  held = undefined;
  await server.close();
  await system.close();
});

async function hold(): Promise<HeldCredentials> {
  const wanted = { name: "one" };
  held = await holdCredentials({ endpoint: server.url, apiKey, wanted, onRefused: refused.resolve });
  return held;
}

const nextToken = (credentials: HeldCredentials): Promise<string> =>
  new Promise((resolve) => {
    const end = credentials.onRenewed((token) => {
      end();
      resolve(token);
    });
  });

describe("the credentials of a runner", () => {
  test("are renewed again and again, for the same runner", async () => {
    const credentials = await hold();
    const { runner, token, supervisorToken } = credentials;
    const second = await nextToken(credentials);
    const third = await nextToken(credentials);
    expect(new Set([token, second, third]).size).toBe(3);
    expect([credentials.runner, credentials.token]).toEqual([runner, third]);
    expect(credentials.supervisorToken).not.toBe(supervisorToken);
  });

  test("are renewed once the coordinator is back", async () => {
    const credentials = await hold();
    isAway = true;
    const { token } = credentials;
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(credentials.token).toBe(token);
    isAway = false;
    expect(await nextToken(credentials)).not.toBe(token);
  });

  test("end with their key", async () => {
    await hold();
    await system.core.driver.transaction((sql) => revokeApiKey(sql, keyId, Date.now()));
    expect(await refused.promise).toMatchObject({
      code: "UNAUTHENTICATED",
      message: 'the API key "r" was revoked',
    });
  });

  test("are not given for a wrong key, or by nobody", async () => {
    apiKey = "gw_live_nonsense";
    await expect(hold()).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
    await server.close();
    await expect(hold()).rejects.toMatchObject({ code: "ENDPOINT_UNREACHABLE" });
  });
});
