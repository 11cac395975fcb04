import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { GodwitError } from "../../src/core/errors.ts";
import { checkDomain, checkProject, PLACE_NAME } from "../../src/core/place.ts";

function refusal(check: () => unknown): GodwitError {
  try {
    check();
  } catch (error) {
    return error as GodwitError;
  }
  throw new Error("it was not refused");
}

describe("the name of a project or a domain", () => {
  test.each(["a", "search", "team-1.search_v2", "0", "x".repeat(63)])("may be %s", (name) => {
    expect(checkProject(name, "--project")).toBe(name);
    expect(checkDomain(name, "--domain")).toBe(name);
  });

  test.each([
    ["", undefined],
    ["Search", "search"],
    ["My Team", "my-team"],
    ["a/b", "a-b"],
    ["../etc", "etc"],
    [".hidden", "hidden"],
    ["ünder", "nder"],
    ["…", undefined],
    ["x".repeat(64), "x".repeat(63)],
  ])("may not be %j", (name, close) => {
    const refused = refusal(() => checkProject(name, "GODWIT_PROJECT"));
    expect(refused.code).toBe("PROJECT_INVALID");
    expect(refused.message).toContain("(GODWIT_PROJECT)");
    if (close !== undefined) expect(refused.hint).toBe(`Write \`${close}\`.`);
    expect(refusal(() => checkDomain(name, "-d")).code).toBe("DOMAIN_INVALID");
  });

  test("is always suggested in a way that is allowed", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", maxLength: 80 }), (name) => {
        fc.pre(!PLACE_NAME.test(name));
        const suggested = /^Write `(.*)`\.$/.exec(refusal(() => checkProject(name, "-p")).hint)?.[1];
        if (suggested !== undefined) expect(suggested).toMatch(PLACE_NAME);
      }),
    );
  });
});
