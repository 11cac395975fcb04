import { readFileSync } from "node:fs";
import { build } from "esbuild";
import { describe, expect, it } from "vitest";
import { ERROR_DOCS, renderErrorDocs } from "../../scripts/gen-error-docs.ts";
import { ERROR_AREAS, ERRORS, type ErrorCode, errorRow } from "../../src/core/error-table.ts";
import * as errors from "../../src/core/errors.ts";
import {
  ERROR_CLASSES,
  errorFor,
  GodwitError,
  hasCode,
  NonRecoverableError,
  OutOfMemoryError,
  RetriesExhaustedError,
  TaskError,
  TimeLimitError,
} from "../../src/core/errors.ts";
import { fromErrorRecord, toErrorRecord } from "../../src/core/outcome.ts";

const codes = Object.keys(ERRORS) as ErrorCode[];
const classes = Object.values(errors).filter(
  (exported): exported is typeof GodwitError =>
    typeof exported === "function" && Object.getPrototypeOf(exported) !== Function.prototype,
);

describe("the error table", () => {
  it("has each code in one area, in upper snake case", () => {
    const listed = Object.values(ERROR_AREAS).flatMap((rows) => Object.keys(rows));
    expect(new Set(listed).size).toBe(listed.length);
    expect(listed.sort()).toStrictEqual(codes.sort());
    for (const code of codes) expect(code).toMatch(/^[A-Z]+(_[A-Z]+)*$/);
  });

  it.each(codes)("tells what %s is and what to do", (code) => {
    const { title, hint, status, kind, retryable } = ERRORS[code];
    expect(title).toMatch(/^[A-Z].*[^.]$/);
    expect(hint).toMatch(/^(`.*|[A-Z].*)\.$/);
    expect(status).toBeGreaterThanOrEqual(400);
    expect(status).toBeLessThan(600);
    expect(kind).not.toBe("unknown");
    // The budget for system failures exists because they pass; only what has a limit of its own does not.
    if (kind === "system" && code !== "QUEUE_TIME_LIMIT") expect(retryable).toBe(true);
  });

  it("has a row for codes of newer versions that promises nothing", () => {
    expect(errorRow("SOMETHING_NEW")).toMatchObject({ kind: "unknown", retryable: false, status: 500 });
    expect(errorRow("toString").kind).toBe("unknown");
  });

  it("is what the reference shows", () => {
    expect(readFileSync(ERROR_DOCS, "utf8")).toBe(renderErrorDocs());
  });

  it("reaches every class, and the reference names it", () => {
    const reached = new Set(Object.values(ERROR_CLASSES).map((errorClass) => errorClass.brand));
    const exported = classes.map((errorClass) => errorClass.brand);
    expect(exported).toHaveLength(12);
    expect([...reached, "GodwitError"].sort()).toStrictEqual(exported.sort());
    for (const name of exported) expect(renderErrorDocs()).toContain(`class \`${name}\``);
  });
});

describe("an error", () => {
  it.each(codes)("of code %s is made by its class and can be caught by it", (code) => {
    const error = errorFor(code, "it broke", { cause: "why", task: "a.b", attempts: 2 });
    expect(error).toBeInstanceOf(ERROR_CLASSES[code] ?? GodwitError);
    expect(error).toBeInstanceOf(GodwitError);
    expect(error).toBeInstanceOf(Error);
    expect(error.name).toBe(ERROR_CLASSES[code]?.brand ?? "GodwitError");
    expect({ ...error }).toStrictEqual({
      code,
      kind: ERRORS[code].kind,
      retryable: ERRORS[code].retryable,
      hint: ERRORS[code].hint,
      task: "a.b",
      attempts: 2,
    });
    expect(error).toMatchObject({ message: "it broke", cause: "why" });
    expect(hasCode(error, code)).toBe(true);
  });

  it("is an instance of its own classes alone", () => {
    const error = new OutOfMemoryError("full");
    expect(error instanceof TaskError).toBe(false);
    expect(new GodwitError("OUT_OF_MEMORY", "full") instanceof OutOfMemoryError).toBe(false);
    for (const other of [null, undefined, "x", {}, new Error("x"), { code: "OUT_OF_MEMORY" }]) {
      expect((other as unknown) instanceof GodwitError).toBe(false);
    }
  });

  it("keeps a user's subclass apart and gives it its name", () => {
    class CardDeclined extends NonRecoverableError {}
    const error = new CardDeclined("no funds");
    expect(error).toBeInstanceOf(CardDeclined);
    expect(error).toBeInstanceOf(NonRecoverableError);
    expect(new NonRecoverableError("x") instanceof CardDeclined).toBe(false);
    expect(error.name).toBe("CardDeclined");
  });

  it("takes over the message of the error it wraps", () => {
    const cause = new RangeError("too far");
    expect(new NonRecoverableError(cause)).toMatchObject({ message: "too far", cause, retryable: false });
    expect(new NonRecoverableError(cause, { data: 1 })).toMatchObject({ cause, data: 1 });
  });

  it("has no cause, and no other property, that was not given", () => {
    expect(Object.hasOwn(new TaskError("x"), "cause")).toBe(false);
    expect(Object.keys(new TaskError("x")).sort()).toStrictEqual(["code", "hint", "kind", "retryable"]);
  });

  it("says which limit on time it broke", () => {
    expect(new TimeLimitError("slow").code).toBe("TIME_LIMIT");
    expect(new TimeLimitError("slow", { code: "DEADLINE_EXCEEDED" }).code).toBe("DEADLINE_EXCEEDED");
    expect(hasCode(new TimeLimitError("slow"), "DEADLINE_EXCEEDED")).toBe(false);
  });
});

describe("two copies of the library in one process", () => {
  const copy = async (
    minify: boolean,
  ): Promise<typeof import("../../src/core/outcome.ts") & typeof errors> => {
    const { outputFiles } = await build({
      stdin: {
        contents: 'export * from "./errors.ts"; export * from "./outcome.ts";',
        resolveDir: new URL("../../src/core", import.meta.url).pathname,
        loader: "ts",
      },
      bundle: true,
      format: "esm",
      minify,
      write: false,
    });
    return import(
      `data:text/javascript;base64,${Buffer.from(outputFiles[0]?.contents ?? []).toString("base64")}`
    );
  };

  it.each([false, true])("know each other's errors (minified: %s)", async (minify) => {
    const other = await copy(minify);
    expect(other.GodwitError).not.toBe(GodwitError);
    for (const code of codes) {
      const theirs = other.errorFor(code, "x");
      expect(theirs).toBeInstanceOf(ERROR_CLASSES[code] ?? GodwitError);
      expect(errorFor(code, "x")).toBeInstanceOf(other.ERROR_CLASSES[code] ?? other.GodwitError);
      expect(theirs.name).toBe(ERROR_CLASSES[code]?.brand ?? "GodwitError");
    }
    expect(new other.OutOfMemoryError("x") instanceof RetriesExhaustedError).toBe(false);
  });

  it("write and read each other's records", async () => {
    const other = await copy(true);
    const theirs = new other.NonRecoverableError("closed", {
      data: { account: 7n },
      cause: new TypeError("t"),
    });
    const record = toErrorRecord(theirs, { task: "bank.pay", action: "x1" });
    expect(record).toMatchObject({
      code: "NON_RECOVERABLE",
      retryable: false,
      data: { account: { $bigint: "7" } },
    });
    expect(other.toErrorRecord(fromErrorRecord(record))).toStrictEqual(record);
  });
});
