import { readdir, readFile, stat } from "node:fs/promises";
import { join, relative } from "node:path";
import { map, NonRecoverableError, TaskEnvironment, trace } from "godwit";
import * as z from "zod";

const env = new TaskEnvironment({ name: "licenses", retries: 2 });

/** What is known of one installed package. */
interface Package {
  readonly name: string;
  readonly bytes: number;
  /** SPDX expression, or `see <file>` when its text is not known here; null without any licence. */
  readonly license: string | null;
}

/** Thrown for a manifest that cannot be read: reading it again does not help, so no retry is spent on it. */
class BrokenManifest extends NonRecoverableError {}

/** Reads one package. Each is an action of its own: it is retried, counted and, after a crash, not read again. */
export const inspect = env.task(async function inspect({ folder }: { folder: string }): Promise<Package> {
  const manifest = await readManifest(folder);
  const [bytes, license] = await Promise.all([sizeOf(folder), licenseOf(manifest, folder)]);
  return { name: `${manifest.name}@${manifest.version}`, bytes, license };
});

/** Licences, sizes and troubles of everything that is installed in a `node_modules` folder. */
export const main = env.task(
  { input: z.object({ folder: z.string().default("./node_modules"), top: z.number().int().default(5) }) },
  async function main({ folder, top }) {
    const folders = await findPackages(folder);
    // With `settle`, a package that cannot be read is a result like any other.
    const results = await map(
      inspect,
      folders.map((path) => ({ folder: path })),
      { settle: true },
    );
    const packages = results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
    const largest = packages.toSorted((a, b) => b.bytes - a.bytes).slice(0, top);
    return {
      packages: folders.length,
      size: megabytes(packages.reduce((sum, next) => sum + next.bytes, 0)),
      licenses: countBy(packages, (found) => found.license ?? "none"),
      largest: Object.fromEntries(largest.map(({ name, bytes }) => [name, megabytes(bytes)])),
      unlicensed: packages.filter(({ license }) => license === null).map(({ name }) => name),
      broken: results.flatMap((result) => (result.status === "rejected" ? [result.reason.message] : [])),
    };
  },
);

/** Traced, because what it finds on the disk decides which calls follow: a replay has to make the same ones. */
const findPackages = trace(async function findPackages(root: string): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await readdir(root, { withFileTypes: true })) {
    // Links lead out of the folder, to workspaces for example; what starts with a dot belongs to npm.
    if (!entry.isDirectory() || entry.name.startsWith(".")) continue;
    const folder = join(root, entry.name);
    if (entry.name.startsWith("@")) found.push(...(await findPackages(folder)));
    else found.push(folder, ...(await findNested(folder)));
  }
  return found.sort();
});

async function findNested(folder: string): Promise<string[]> {
  const nested = join(folder, "node_modules");
  const isThere = await stat(nested).then(
    (found) => found.isDirectory(),
    () => false,
  );
  return isThere ? findPackages(nested) : [];
}

const Manifest = z.object({
  name: z.string(),
  version: z.string(),
  license: z.unknown().optional(),
  licenses: z.unknown().optional(),
});
type Manifest = z.infer<typeof Manifest>;

async function readManifest(folder: string): Promise<Manifest> {
  const path = join(folder, "package.json");
  try {
    return Manifest.parse(JSON.parse(await readFile(path, "utf8")));
  } catch (cause) {
    const why = cause instanceof z.ZodError ? z.prettifyError(cause) : (cause as Error).message;
    throw new BrokenManifest(`${path}: ${why.replaceAll("\n", " ")}`, { cause });
  }
}

/** Bytes of a package's own files; packages nested in it are counted as themselves. */
async function sizeOf(folder: string): Promise<number> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  const own = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !relative(folder, path).startsWith("node_modules"));
  let bytes = 0;
  for (const path of own) bytes += (await stat(path)).size;
  return bytes;
}

async function licenseOf(manifest: Manifest, folder: string): Promise<string | null> {
  const declared = [manifest.license ?? manifest.licenses].flat().map(nameOfLicense);
  const names = declared.filter((name) => name !== undefined && !/^see licen[sc]e/i.test(name));
  return names.length > 0 ? names.join(" OR ") : licenseOfFiles(folder);
}

/** Old manifests hold `{ type, url }` instead of a name. */
function nameOfLicense(declared: unknown): string | undefined {
  const name =
    typeof declared === "object" && declared !== null && "type" in declared ? declared.type : declared;
  return typeof name === "string" && name !== "" ? name : undefined;
}

async function licenseOfFiles(folder: string): Promise<string | null> {
  const files = (await readdir(folder)).filter((file) => /^(un)?licen[sc]e|^copying/i.test(file));
  for (const file of files.sort()) {
    const text = (await readFile(join(folder, file), "utf8")).replaceAll(/\s+/g, " ");
    const known = TEXTS.find(([, pattern]) => pattern.test(text));
    if (known !== undefined) return known[0];
  }
  return files[0] === undefined ? null : `see ${files[0]}`;
}

/** Sentences that only one licence has; the first that matches wins. */
const TEXTS: readonly (readonly [spdx: string, pattern: RegExp])[] = [
  ["Apache-2.0", /Apache License,? Version 2\.0/i],
  ["MPL-2.0", /Mozilla Public License,? Version 2\.0/i],
  ["AGPL-3.0", /GNU AFFERO GENERAL PUBLIC LICENSE Version 3/i],
  ["LGPL-3.0", /GNU LESSER GENERAL PUBLIC LICENSE Version 3/i],
  ["LGPL-2.1", /GNU LESSER GENERAL PUBLIC LICENSE Version 2\.1/i],
  ["GPL-3.0", /GNU GENERAL PUBLIC LICENSE Version 3/i],
  ["GPL-2.0", /GNU GENERAL PUBLIC LICENSE Version 2/i],
  ["BSD-3-Clause", /Redistribution and use in source and binary forms.* Neither the name/i],
  ["BSD-2-Clause", /Redistribution and use in source and binary forms/i],
  ["MIT", /Permission is hereby granted, free of charge, to any person obtaining a copy/i],
  ["ISC", /distribute this software for any purpose with or without fee is hereby granted, provided/i],
  ["0BSD", /distribute this software for any purpose with or without fee is hereby granted/i],
  ["Unlicense", /free and unencumbered software released into the public domain/i],
  ["CC0-1.0", /CC0 1\.0 Universal/i],
  ["BlueOak-1.0.0", /Blue Oak Model License/i],
];

/** Counts by key, the most frequent first. */
function countBy<Item>(items: readonly Item[], keyOf: (item: Item) => string): Record<string, number> {
  const counts = [...Map.groupBy(items, keyOf)].map(([key, group]): [string, number] => [key, group.length]);
  return Object.fromEntries(counts.sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)));
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
