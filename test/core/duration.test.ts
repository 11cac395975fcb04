import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatDuration, parseDuration } from "../../src/core/duration.ts";

describe("reading a duration", () => {
  it.each([
    [0, 0],
    [1500, 1500],
    [1.6, 2],
    ["250ms", 250],
    ["10s", 10_000],
    ["1.5s", 1500],
    ["5m", 300_000],
    ["1h30m", 5_400_000],
    ["1h 30m", 5_400_000],
    [" 2d ", 172_800_000],
    ["1d2h3m4s5ms", 93_784_005],
    ["90m", 5_400_000],
    ["0s", 0],
  ])("%o is %d ms", (duration, ms) => {
    expect(parseDuration(duration)).toBe(ms);
  });

  it.each<[unknown, string, string]>([
    ["", '""', 'Write it like "250ms"'],
    ["soon", '"soon"', 'Write it like "250ms"'],
    ["10", '"10"', 'for example "10s"'],
    ["5 min", '"5 min"', 'Did you mean "5m"?'],
    ["10 seconds", '"10 seconds"', 'Did you mean "10s"?'],
    ["2H", '"2H"', 'Did you mean "2h"?'],
    ["1 day", '"1 day"', 'Did you mean "1d"?'],
    ["30m1h", '"30m1h"', ""],
    ["1h1h", '"1h1h"', ""],
    ["-5s", '"-5s"', "Write it like"],
    ["1e3s", '"1e3s"', ""],
    [-1, "-1", "Write it like"],
    [Number.NaN, "NaN", "Write it like"],
    [Number.POSITIVE_INFINITY, "Infinity", "100 years"],
    ["40000d", '"40000d"', "100 years"],
    [undefined, "undefined", "Write it like"],
    [{}, "{}", "Write it like"],
  ])("refuses %o, quotes it and says what to write", (duration, quoted, hint) => {
    try {
      parseDuration(duration as string);
      expect.unreachable();
    } catch (error) {
      expect(error).toMatchObject({ code: "OPTION_INVALID", message: `${quoted} is not a duration` });
      expect((error as { hint: string }).hint).toContain(hint);
    }
  });
});

describe("showing a duration", () => {
  it.each([
    [0, "0ms"],
    [-5, "0ms"],
    [Number.NaN, "0ms"],
    [0.4, "<1ms"],
    [850, "850ms"],
    [999.4, "999ms"],
    [999.6, "1.0s"],
    [1840, "1.8s"],
    [59_949, "59.9s"],
    [59_960, "1m 00s"],
    [123_000, "2m 03s"],
    [3_599_400, "59m 59s"],
    [3_599_600, "1h 00m"],
    [3_900_000, "1h 05m"],
    [86_399_999, "1d 00h"],
    [97_200_000, "1d 03h"],
  ])("%d ms as %s", (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });

  it("is within two percent of the truth from 100 ms up, in a form that can be read back", () => {
    fc.assert(
      fc.property(fc.integer({ min: 100, max: 10 * 365 * 86_400_000 }), (ms) => {
        const shown = parseDuration(formatDuration(ms));
        expect(Math.abs(shown - ms)).toBeLessThanOrEqual(Math.max(50, ms * 0.021));
      }),
    );
  });
});
