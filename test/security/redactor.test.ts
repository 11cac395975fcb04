import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { toErrorRecord } from "../../src/core/outcome.ts";
import { Redactor } from "../../src/runner/redactor.ts";

function knowing(...values: string[]): Redactor {
  const redactor = new Redactor();
  redactor.add(values);
  return redactor;
}

describe("the redactor", () => {
  test("leaves everything as it is until it knows something worth hiding", () => {
    for (const redactor of [knowing(), knowing("", "abc", "12345")]) {
      expect(redactor.text("abc 12345")).toBe("abc 12345");
      const record = toErrorRecord(new Error("12345"));
      expect(redactor.record(record).message).toBe("12345");
    }
  });

  test("takes the longest value, whatever characters it has", () => {
    const redactor = knowing("secret", "secret.*+?[^]$(){}|\\/-", "a\nb\nlonger line\n");
    expect(redactor.text("secret.*+?[^]$(){}|\\/- secret secretX")).toBe("[redacted] [redacted] [redacted]X");
    expect(redactor.text("see longer line here")).toBe("see [redacted] here");
  });

  test("finds it in every part of an error", () => {
    const inner = Object.assign(new Error("x hunter2x"), { name: "E-hunter2x" });
    const error = Object.assign(new AggregateError([inner], "hunter2x", { cause: inner }), {
      list: ["hunter2x", { hunter2x: new Map([["k", "hunter2x"]]) }],
    });
    const record = toErrorRecord(error, { task: "t.main", action: "a0" });
    expect(JSON.stringify(record).match(/hunter2x/g)?.length).toBeGreaterThan(8);
    const shown = knowing("hunter2x").record(record);
    expect(JSON.stringify(shown)).not.toContain("hunter2x");
    expect(shown).toMatchObject({ code: "TASK_FAILED", task: "t.main", action: "a0", retryable: true });
  });

  test("leaves no beginning of a value where a text was cut", () => {
    const value = "0123456789abcdef";
    const redactor = knowing(value);
    for (let before = 0; before <= 40; before++) {
      const cut = redactor.cut("x".repeat(before) + value + "y".repeat(40), 30);
      expect(cut).not.toContain(value.slice(0, 6));
    }
    for (let room = 8_120; room < 8_192; room += 3) {
      const { message } = redactor.record(toErrorRecord(new Error("z".repeat(room) + value)));
      expect(message).not.toContain(value.slice(0, 6));
    }
  });

  test("hides any value in any text", () => {
    const secret = fc.string({ minLength: 6, maxLength: 60, unit: "binary" });
    fc.assert(
      fc.property(secret, fc.string(), fc.string(), (value, before, after) => {
        fc.pre(!"[redacted]".includes(value) && !/^\[?[redact]+\]?$/.test(value));
        const redactor = knowing(value);
        expect(redactor.text(`${before}${value}${after}`).includes(value)).toBe(false);
        expect(redactor.text(JSON.stringify({ value })).includes(JSON.stringify(value).slice(1, -1))).toBe(
          false,
        );
      }),
    );
  });
});
