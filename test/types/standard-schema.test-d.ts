import type { StandardSchemaV1 } from "@standard-schema/spec";
import { expectTypeOf, test } from "vitest";
import type { StandardSchema } from "../../src/index.ts";

// The SDK declares the part of the interface it uses, so that it depends on nothing; any conforming schema must fit.
test("every Standard Schema is one of ours", () => {
  expectTypeOf<StandardSchemaV1<string, number>>().toExtend<StandardSchema<string, number>>();
});
