import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT: string = fileURLToPath(new URL("../..", import.meta.url));

/** A page of documentation. */
export interface Page {
  /** Relative to the repository. */
  readonly path: string;
  readonly text: string;
}

/** A fenced block of code. */
export interface Sample {
  readonly language: string;
  readonly code: string;
  /** First line of the code, counted from 1. */
  readonly line: number;
}

/** Every page: those of the repository's root, and everything below `docs`. */
export function readPages(): Page[] {
  const inRoot = readdirSync(ROOT).filter((name) => name.endsWith(".md"));
  const inDocs = readdirSync(join(ROOT, "docs"), { recursive: true, encoding: "utf8" });
  const paths = [
    ...inRoot,
    ...inDocs.filter((name) => name.endsWith(".md")).map((name) => join("docs", name)),
  ];
  return paths.sort().map((path) => ({ path, text: readFileSync(join(ROOT, path), "utf8") }));
}

/** The blocks of code of a page. */
export function samplesOf({ text }: Page): Sample[] {
  return [...text.matchAll(/^```(\w*)\n(.*?)^```$/gms)].map((match) => ({
    language: match[1] ?? "",
    code: match[2] ?? "",
    line: text.slice(0, match.index).split("\n").length + 1,
  }));
}

/** A page without its code. */
export function proseOf({ text }: Page): string {
  return text.replaceAll(/^```.*?^```$/gms, "");
}

/** The anchors of a page's headings, as code hosts make them. */
export function anchorsOf(page: Page): Set<string> {
  const anchors = new Set<string>();
  for (const [, heading = ""] of proseOf(page).matchAll(/^#{1,6} +(.+)$/gm)) {
    const words = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1").toLowerCase();
    anchors.add(
      words
        .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
        .trim()
        .replaceAll(/\s/g, "-"),
    );
  }
  return anchors;
}
