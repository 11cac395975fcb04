import { parseSync, Visitor } from "oxc-parser";
import { lineAt, type Sources } from "./imports.ts";

const impureCalls: Readonly<Record<string, string>> = {
  "Date.now": "the time is an argument",
  "Math.random": "chance is an argument",
  "performance.now": "the time is an argument",
  "crypto.randomUUID": "ids are arguments",
  "crypto.getRandomValues": "chance is an argument",
  randomUUID: "ids are arguments",
  randomBytes: "chance is an argument",
  randomInt: "chance is an argument",
};

/** One line per place in `src/core` that reads a clock or rolls dice. */
export function checkPurity(sources: Sources): string[] {
  return [...sources]
    .filter(([file]) => file.startsWith("src/core/"))
    .flatMap(([file, text]) => impurities(file, text));
}

function impurities(file: string, text: string): string[] {
  const found: string[] = [];
  const report = (at: number, what: string, why: string): void => {
    found.push(`${file}:${lineAt(text, at)} uses ${what}: in core ${why}`);
  };
  new Visitor({
    CallExpression: ({ callee, start }) => {
      const name = text.slice(callee.start, callee.end);
      const why = Object.hasOwn(impureCalls, name) ? impureCalls[name] : undefined;
      if (why !== undefined) report(start, `${name}()`, why);
    },
    NewExpression: ({ callee, arguments: values, start }) => {
      const isNow = callee.type === "Identifier" && callee.name === "Date" && values.length === 0;
      if (isNow) report(start, "new Date()", "the time is an argument");
    },
  }).visit(parseSync(file, text).program);
  return found;
}
