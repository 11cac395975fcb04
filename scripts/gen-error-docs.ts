import { writeFileSync } from "node:fs";
import { ERROR_AREAS, type ErrorCode, type ErrorRow } from "../src/core/error-table.ts";
import { ERROR_CLASSES } from "../src/core/errors.ts";

/** Where the reference lives, relative to this script. */
export const ERROR_DOCS: URL = new URL("../docs/reference/errors.md", import.meta.url);

const INTRODUCTION = `# Errors

<!-- Written by \`node scripts/gen-error-docs.ts\` from \`src/core/error-table.ts\`. Edit the table, not this page. -->

Every error has a stable code. The same code appears in the SDK (\`error.code\`), in the HTTP API (\`code\` of a problem
document), at the command line and in the UI. Codes are never reused.

- **kind** says whose fault it is: *user* errors spend the retries of the task, *system* errors a budget of their own,
  *usage* errors are answered to whoever asked.
- **retryable** says whether trying the same thing again can help.
- **class** is what to catch; a code without one is a plain \`GodwitError\`, so compare its \`code\`.
`;

/** The whole page. */
export function renderErrorDocs(): string {
  const areas = Object.entries(ERROR_AREAS).map(([area, rows]) => {
    const entries = Object.entries(rows).map(([code, row]) => renderEntry(code as ErrorCode, row));
    return `\n## ${area}\n\n${entries.join("\n")}`;
  });
  return INTRODUCTION + areas.join("");
}

function renderEntry(code: ErrorCode, row: ErrorRow): string {
  const errorClass = ERROR_CLASSES[code]?.brand ?? "GodwitError";
  return `### ${code}

${row.title}.

kind *${row.kind}* · ${row.retryable ? "retryable" : "not retryable"} · HTTP ${row.status} · class \`${errorClass}\`

${row.hint}
`;
}

if (import.meta.main) writeFileSync(ERROR_DOCS, renderErrorDocs());
