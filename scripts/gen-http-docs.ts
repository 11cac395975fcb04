import { writeFileSync } from "node:fs";
import { createCoordinator } from "../src/coordinator/app.ts";
import { EngineCore } from "../src/engine/core.ts";
import { systemClock } from "../src/ports/clock.ts";
import { systemRandom } from "../src/ports/random.ts";
import { openStore } from "../src/store/open.ts";

/** Where the reference lives, relative to this script. */
export const HTTP_DOCS: URL = new URL("../docs/reference/http.md", import.meta.url);

const INTRODUCTION = `# HTTP

<!-- Written by \`node --conditions=source scripts/gen-http-docs.ts\` from the API document. Edit the routes, not this page. -->

A coordinator serves this API under \`/v1\`, and its OpenAPI 3.1 document, with all schemas, at \`/openapi.json\`. The typed
client is \`godwit/client\`.

- **Values** are tagged JSON: everything JSON has looks as usual, and the rest is an object with one key that starts with
  \`$\`, such as \`{"$date":"2026-01-31T00:00:00.000Z"}\`. Times are epoch milliseconds.
- **Errors** are \`application/problem+json\` (RFC 9457) with a stable \`code\`; all codes are in [errors](errors.md).
- **Lists** take \`limit\` and \`cursor\` and answer with the next cursor, or null.
- **Waiting**: some requests take \`wait\`, a duration; the answer comes when there is something to say, at the latest then.
- **Idempotency**: a POST with an \`Idempotency-Key\` is done once; the same request again gets the same answer for 24
  hours, another request under the same key is refused.
- **Keys**: \`Authorization: Bearer gw_live_…\`, where the coordinator asks for keys. One that does not (\`godwit dev\`) serves
  its own machine only, and refuses other hosts and origins.
`;

interface Operation {
  readonly summary?: string;
  readonly tags?: readonly string[];
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly required?: boolean;
  }[];
}

/** The whole page. */
export async function renderHttpDocs(): Promise<string> {
  const driver = await openStore(":memory:");
  const core = new EngineCore({ driver, clock: systemClock, random: systemRandom });
  const app = createCoordinator({ core, auth: { mode: "open" }, signingKey: new Uint8Array(32) });
  const response = await app.request("http://localhost/openapi.json");
  const { paths } = (await response.json()) as { paths: Record<string, Record<string, Operation>> };
  await driver.close();
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  );
  const sections = Map.groupBy(operations, ({ operation }) => operation.tags?.[0] ?? "other");
  const tables = [...sections].map(([tag, list]) => {
    const rows = list.map(
      ({ path, method, operation }) =>
        `| \`${method.toUpperCase()} ${path}\` | ${operation.summary ?? ""} | ${parametersOf(operation)} |\n`,
    );
    return `\n## ${tag}\n\n| request | what it does | query and headers |\n|---|---|---|\n${rows.join("")}`;
  });
  return INTRODUCTION + tables.join("");
}

function parametersOf({ parameters = [] }: Operation): string {
  return parameters
    .filter((parameter) => parameter.in !== "path")
    .map(({ name }) => `\`${name}\``)
    .join(" ");
}

if (import.meta.main) writeFileSync(HTTP_DOCS, await renderHttpDocs());
