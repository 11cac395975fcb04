/**
 * Who may import whom. An area may always import itself. The order is the one in which imports point:
 * core ← ports, store, engine, placement ← sdk, runner, coordinator, client ← adapters ← functions, cli.
 */

const foundation = ["core", "ports"];
const machinery = [...foundation, "store", "engine", "placement"];
const parts = [...machinery, "sdk", "client", "runner", "coordinator"];
/** What wires a whole system together sees all of it. */
const everything = [...parts, "bundle", "config", "adapters", "index", "local", "testing", "devbox"];

export const allowed: Readonly<Record<string, readonly string[]>> = {
  core: [],
  ports: ["core"],
  store: foundation,
  engine: machinery,
  placement: machinery,
  sdk: ["core", "ports", "placement", "runner", "client"],
  client: ["core", "ports", "placement", "sdk"],
  runner: [...machinery, "sdk", "client"],
  coordinator: parts,
  // Makes bundles; whoever runs them needs none of it.
  bundle: ["core", "store", "sdk", "runner"],
  // Reads files and variables; whoever starts runs asks it where.
  config: ["core", "sdk"],
  adapters: parts,
  // `godwit` itself: what users import.
  index: ["core", "ports", "sdk", "client"],
  // The system in one process: for runs on this machine, and for tests.
  local: everything,
  testing: everything,
  devbox: everything,
  // A coordinator or runners as a process of their own: what the command line and the entry points share.
  server: everything,
  functions: [...everything, "server"],
  cli: [...everything, "server"],
  // What makes the cloud resources needs to know shapes and names, not the engine.
  infra: ["core", "ports", "placement"],
  pulumi: ["core", "ports", "placement", "infra"],
};

/** They may import whatever they like, and only they may import each other. */
export const free: readonly string[] = ["test", "bench", "examples"];

/** Loaded into every user's process, so they may load these parts when needed but never with themselves. */
export const light: readonly string[] = ["sdk", "client", "index"];
export const heavy: readonly string[] = ["coordinator", "engine", "store"];
/** What a light area may `import()` on top of its row. */
export const onDemand: readonly string[] = [...parts, "local"];

/** Packages without I/O, clock or randomness; every other package and built-in is closed to core. */
export const pure: readonly string[] = ["node:crypto", "@standard-schema/spec", "zod", "croner"];

/** Whose SDK a package is: the only adapter that may load it. */
export const clouds: readonly { readonly adapter: string; readonly packages: RegExp }[] = [
  { adapter: "aws", packages: /^@(aws-sdk|aws-crypto|smithy)\// },
  { adapter: "gcp", packages: /^(@google-cloud\/|google-auth-library$|googleapis$)/ },
  { adapter: "azure", packages: /^@azure\// },
];

/** `src/engine/tick.ts` → engine, `adapters/aws/lambda.ts` → adapters, `vitest.config.ts` → null. */
export function areaOf(path: string): string | null {
  const [top, second, ...rest] = path.split("/");
  if (second === undefined) return null;
  if (top !== "src") return top ?? null;
  return rest.length > 0 ? second : second.replace(/\.[cm]?tsx?$/, "");
}

/** No place of its own: what reaches a coordinator from any place. */
const everywhere: readonly string[] = ["remote"];

/** `adapters/aws/lambda.ts` → aws; null outside adapters and for what all adapters share. */
export function adapterOf(path: string): string | null {
  const adapter = /^adapters\/([^/]+)\//.exec(path)?.[1] ?? null;
  return adapter !== null && everywhere.includes(adapter) ? null : adapter;
}
