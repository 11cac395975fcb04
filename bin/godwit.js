#!/usr/bin/env node
// Plain JavaScript that any Node since 12 can parse, so that an old one gets a sentence instead of a syntax error.
// Everything newer is imported after the check.

const minimum = [22, 18];
const found = process.versions.node.split(".").map(Number);

if (found[0] < minimum[0] || (found[0] === minimum[0] && found[1] < minimum[1])) {
  process.stderr.write(
    `godwit needs Node >= ${minimum.join(".")}; this is ${process.version}. ` +
      "Install a newer Node (https://nodejs.org) and run again.\n",
  );
  process.exitCode = 2;
} else {
  start().catch((error) => {
    process.stderr.write(`${error instanceof Error ? error.stack : error}\n`);
    process.exitCode = 1;
  });
}

/** Runs the sources in a checkout and the build in an installed package, where Node strips no types. */
async function start() {
  const { existsSync } = await import("node:fs");
  const { fileURLToPath } = await import("node:url");
  const source = new URL("../src/cli/main.ts", import.meta.url);
  const path = fileURLToPath(source);
  const isCheckout = existsSync(path) && !/[\\/]node_modules[\\/]/.test(path);
  await keepCompiledCode();
  muteSqlite();
  if (isCheckout) await resolveToSources();
  const cli = await import(
    isCheckout ? source.href : new URL("../dist/src/cli/main.js", import.meta.url).href
  );
  const exitCode = await cli.main(process.argv.slice(2));
  if (typeof exitCode === "number") process.exitCode = exitCode;
}

/** Node 22 warns of its SQLite, which has not changed since it was released for good in Node 24. */
function muteSqlite() {
  const { emitWarning } = process;
  process.emitWarning = (warning, ...rest) => {
    if (!String(warning).startsWith("SQLite is an experimental feature")) emitWarning(warning, ...rest);
  };
}

/** Compiled code (and stripped types) is kept for the next start, which then takes half the time. */
async function keepCompiledCode() {
  const { enableCompileCache } = await import("node:module");
  enableCompileCache();
}

/** Makes `godwit` and `godwit/*` mean `src/`, as `--conditions=source` would, for this process. */
async function resolveToSources() {
  const { registerHooks } = await import("node:module");
  registerHooks({
    resolve(specifier, context, nextResolve) {
      const isOurs = specifier === "godwit" || specifier.startsWith("godwit/");
      if (!isOurs) return nextResolve(specifier, context);
      return nextResolve(specifier, { ...context, conditions: [...context.conditions, "source"] });
    },
  });
}
