import { existsSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { expect, it } from "vitest";
import { anchorsOf, proseOf, ROOT, readPages } from "./pages.ts";

const pages = readPages();

it.each(pages)("$path links to files and headings that are there", (page) => {
  const broken: string[] = [];
  for (const [, target = ""] of proseOf(page).matchAll(/\]\(([^)\s]+)\)/g)) {
    if (/^[a-z]+:/.test(target)) continue;
    const [file = "", anchor] = target.split("#");
    const path = file === "" ? page.path : normalize(join(dirname(page.path), file));
    const linked = pages.find((other) => other.path === path);
    if (!existsSync(join(ROOT, path))) broken.push(target);
    else if (anchor !== undefined && (linked === undefined || !anchorsOf(linked).has(anchor)))
      broken.push(target);
  }
  expect(broken).toEqual([]);
});

it.each(pages)("$path names no file that does not exist", (page) => {
  const named = [
    ...proseOf(page).matchAll(/`((?:src|test|examples|adapters|docs|bench|scripts|bin)\/[\w./@*-]+)`/g),
  ];
  const paths = named.map(([, path = ""]) => path.replace(/\/\*[\w.*-]*$/, ""));
  expect(paths.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
});

it("leads from the front page to every other page", () => {
  const reached = new Set(["README.md"]);
  for (const path of reached) {
    const page = pages.find((other) => other.path === path);
    if (page === undefined) continue;
    for (const [, target = ""] of proseOf(page).matchAll(/\]\(([^)\s#]+\.md)(?:#[^)]*)?\)/g)) {
      if (!/^[a-z]+:/.test(target)) reached.add(normalize(join(dirname(path), target)));
    }
  }
  expect(pages.map(({ path }) => path).filter((path) => !reached.has(path))).toEqual([]);
});
