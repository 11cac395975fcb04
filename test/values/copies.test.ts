import { expect, it } from "vitest";
import { registeredType, registeredTypeOf, registerValueType } from "../../src/core/value/value-type.ts";

class Money {
  readonly cents: number;
  constructor(cents: number) {
    this.cents = cents;
  }
}

const money = {
  tag: "money-of-copies",
  is: (value: object): value is Money => value instanceof Money,
  encode: (value: Money) => value.cents,
  decode: (cents: number) => new Money(cents),
};

it("shares value types among the copies of the library in one process", async () => {
  // Another instance of the same module, as a user's bundle has one.
  const path = "../../src/core/value/value-type.ts?copy";
  const other = (await import(
    /* @vite-ignore */ path
  )) as typeof import("../../src/core/value/value-type.ts");
  expect(other.registerValueType).not.toBe(registerValueType);
  const forget = other.registerValueType(money);
  try {
    expect(registeredTypeOf(new Money(1))).toBe(money);
    expect(registeredType(money.tag)).toBe(money);
    // Once per copy: each of them may define the same class.
    expect(() => other.registerValueType(money)).toThrow(/exists already/);
    const own = { ...money };
    const forgetOwn = registerValueType(own);
    expect(registeredType(money.tag)).toBe(own);
    expect(other.registeredType(money.tag)).toBe(money);
    forgetOwn();
  } finally {
    forget();
  }
  expect(registeredType(money.tag)).toBeUndefined();
});
