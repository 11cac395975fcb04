import { connect } from "node:net";
import { expect, test } from "vitest";
import { isLoopback, listen } from "../../src/server/listen.ts";

/** Long enough that only a broken stop takes as long. */
const FOREVER_MS = 600_000;

test("a server that stops lets requests end, and takes no more", async () => {
  const arrived = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  const server = await listen({
    port: 0,
    fetch: async () => {
      arrived.resolve();
      await release.promise;
      return new Response("done");
    },
  });
  const reply = fetch(server.url);
  await arrived.promise;
  const closed = server.close({ graceMs: FOREVER_MS });
  await expect(connected(Number(new URL(server.url).port))).resolves.toBe("ECONNREFUSED");
  release.resolve();
  expect(await (await reply).text()).toBe("done");
  // Not by waiting for the grace to pass: the connection that was kept alive is closed.
  await closed;
});

test("a server that stops cuts off what only waits", async () => {
  const arrived = Promise.withResolvers<void>();
  const server = await listen({
    port: 0,
    fetch: () => {
      arrived.resolve();
      return new Promise<Response>(() => undefined);
    },
  });
  const reply = fetch(server.url).catch((error: Error) => error);
  await arrived.promise;
  await server.close({ graceMs: 1 });
  expect(await reply).toBeInstanceOf(Error);
});

test("an address tells who can connect", () => {
  for (const host of ["127.0.0.1", "127.1.2.3", "localhost", "::1"]) expect(isLoopback(host)).toBe(true);
  for (const host of ["0.0.0.0", "::", "10.0.0.1", "127.0.0.1.example.com", "localhost.example.com", ""]) {
    expect(isLoopback(host)).toBe(false);
  }
});

function connected(port: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve("connected");
    });
    socket.once("error", ({ code = "" }: NodeJS.ErrnoException) => resolve(code));
  });
}
