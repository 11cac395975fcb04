import { writeFileSync } from "node:fs";
import { execute } from "../src/cli/execute.ts";
import { EXIT } from "../src/cli/exit-code.ts";
import type { Terminal } from "../src/cli/terminal.ts";
import { VERBS } from "../src/cli/verbs.ts";

/** Where the reference lives, relative to this script. */
export const CLI_DOCS: URL = new URL("../docs/reference/cli.md", import.meta.url);

const INTRODUCTION = `# Command line

<!-- Written by \`node --conditions=source scripts/gen-cli-docs.ts\` from the commands themselves. Edit those, not this page. -->

\`godwit <command> [arguments] [flags]\`. Data goes to stdout, everything else to stderr. \`-o json\` prints data as JSON, and
\`-o id\` only its id. Colours obey \`NO_COLOR\` and \`FORCE_COLOR\`; what is not a terminal gets a line per change
instead of a tree that is redrawn.

Without an endpoint a command works on the data of this machine, with one it asks a coordinator. Endpoint, token, project and
domain come from flags, variables, files and profiles: [configuration](configuration.md).

## Exit codes

| code | meaning |
|---|---|
`;

const MEANINGS: Readonly<Record<keyof typeof EXIT, string>> = {
  ok: "it worked, and so did the run that was waited for",
  failed: "the run failed, or the user's file could not be loaded",
  usage: "an argument, a flag or an input is wrong; nothing was started",
  notFound: "what was named does not exist",
  auth: "the key is missing, wrong or not allowed to do this",
  unreachable: "the coordinator or the database does not answer, or Godwit itself is at fault",
  timedOut: "the run, or a wait, took longer than allowed",
  conflict: "the run was aborted, or something else is in the way, such as a port in use",
  interrupted: "Ctrl-C",
  terminated: "a signal asked the command to end",
};

/** The whole page. */
export async function renderCliDocs(): Promise<string> {
  const codes = Object.entries(EXIT).map(
    ([name, code]) => `| ${code} | ${MEANINGS[name as keyof typeof EXIT]} |\n`,
  );
  const sections: string[] = [];
  for (const { name, summary } of VERBS) {
    sections.push(`\n## ${name}\n\n${summary}.\n\n\`\`\`text\n${await helpOf(name)}\n\`\`\`\n`);
  }
  return INTRODUCTION + codes.join("") + sections.join("");
}

async function helpOf(verb: string): Promise<string> {
  const lines: string[] = [];
  const terminal: Terminal = {
    isLive: false,
    columns: 80,
    rows: 24,
    data: (text) => void lines.push(text),
    note: (text) => void lines.push(text),
    draw: () => undefined,
    paint: (_, text) => text,
  };
  await execute(terminal, [verb, "--help"]);
  return lines
    .join("\n")
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n")
    .trim();
}

if (import.meta.main) {
  // Help is wrapped to the width of a terminal; the page is the same wherever it is written.
  process.stdout.isTTY = false;
  writeFileSync(CLI_DOCS, await renderCliDocs());
}
