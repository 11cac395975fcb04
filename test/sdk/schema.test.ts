import { describe, expect, test } from "vitest";
import * as z from "zod";
import { jsonSchemaOf, parseWith } from "../../src/sdk/schema.ts";
import { slowDouble } from "./fake-session.ts";

const subject = { kind: "input", of: "etl.load" } as const;

describe("parsing", () => {
  test("is synchronous where the schema is", async () => {
    expect(parseWith(z.coerce.number(), "7", subject)).toBe(7);
    const slow = parseWith(slowDouble, 7, subject);
    expect(slow).toBeInstanceOf(Promise);
    expect(await slow).toBe(14);
  });

  test("names every mismatch by JSON Pointer, message and value", () => {
    const schema = z.object({ "a/b": z.object({ "c~d": z.array(z.number()) }), e: z.literal(1n) });
    const value = { "a/b": { "c~d": [1, "x"] }, e: 2n };
    expect(() => parseWith(schema, value, subject)).toThrow(
      expect.objectContaining({
        code: "INPUT_INVALID",
        message: expect.stringMatching(/at \/a~1b\/c~0d\/1 \(got "x"\); .* at \/e \(got 2\)$/),
        details: {
          issues: [
            { pointer: "/a~1b/c~0d/1", message: expect.any(String) },
            { pointer: "/e", message: expect.any(String) },
          ],
        },
      }),
    );
  });

  test("shows the first mismatches and counts the rest", () => {
    const parse = () => parseWith(z.array(z.number()), ["a", "b", "c", "d", "e"], subject);
    expect(parse).toThrow(/\/2 \(got "c"\); and 2 more$/);
  });

  test("quotes a long value by its beginning, and the value itself without a path", () => {
    const parse = () => parseWith(z.number(), "x".repeat(100), { kind: "output", of: "etl.load" });
    expect(parse).toThrow(/^etl\.load: output refused: [^/]* \(got "x{59}…\)$/);
    expect(parse).toThrow(expect.objectContaining({ code: "OUTPUT_INVALID" }));
  });
});

describe("JSON Schema", () => {
  const schema = z.object({ n: z.number().default(1), text: z.string().transform((text) => text.length) });

  test("describes what goes in and what comes out", () => {
    expect(jsonSchemaOf(z.object({ n: z.number() }))).toMatchObject({
      $schema: "https://json-schema.org/draft/2020-12/schema",
      type: "object",
      properties: { n: { type: "number" } },
      required: ["n"],
    });
    expect(jsonSchemaOf(schema)).toMatchObject({
      properties: { text: { type: "string" } },
      required: ["text"],
    });
    expect(jsonSchemaOf(schema, "output")).toMatchObject({ required: ["n", "text"] });
  });

  test("accepts anything where a type has no JSON Schema", () => {
    expect(jsonSchemaOf(z.object({ at: z.date() }))).toMatchObject({ properties: { at: {} } });
  });

  test("is null for a library without it", () => {
    expect(jsonSchemaOf(slowDouble)).toBeNull();
  });

  test("is null when the library fails", () => {
    const broken = { "~standard": { ...z.number()["~standard"], jsonSchema: {} } };
    expect(jsonSchemaOf(broken)).toBeNull();
  });
});
