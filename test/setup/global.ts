import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestProject } from "vitest/node";
import { type PostgresServer, startPostgres } from "./postgres.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** Answers with the URL of the PostgreSQL server of this test run, which it starts when it is first asked. */
    postgresBroker: string;
  }
}

let broker: Server | undefined;
let postgres: Promise<PostgresServer> | undefined;

/** Once per test run, before any test file. Nothing is started that no test asks for. */
export async function setup(project: TestProject): Promise<void> {
  broker = createServer((_request, response) => {
    postgres ??= startPostgres();
    postgres.then(
      ({ url }) => response.end(url),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  });
  broker.unref();
  await new Promise<void>((resolve) => broker?.listen(0, "127.0.0.1", resolve));
  const { port } = broker.address() as AddressInfo;
  project.provide("postgresBroker", `http://127.0.0.1:${port}/`);
}

export async function teardown(): Promise<void> {
  broker?.close();
  await (await postgres?.catch(() => undefined))?.stop();
}
