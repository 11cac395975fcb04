import { expectTypeOf, test } from "vitest";
import * as z from "zod";
import { type Task, TaskEnvironment } from "../../src/index.ts";
import type { IsPortable, Offence } from "../../src/sdk/portable.ts";

const env = new TaskEnvironment({ name: "portable" });

interface Tree {
  readonly children: readonly Tree[];
  parent?: Tree;
  at: Date | null;
}
interface Person {
  name: string;
  address?: { street: string; tags: Map<string, Set<bigint>> };
}
type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
type Shape = { kind: "circle"; r: number } | { kind: "square"; side: number };
type UserId = string & { readonly __brand: "UserId" };
class Point {
  constructor(x: number, y: number) {
    this.x = x;
    this.y = y;
  }
  readonly x: number;
  readonly y: number;
}
class Client {
  readonly url = "";
  send(): void {}
}
class Handle {
  declare readonly "~portable": true;
  open(): void {}
}

test("plain data passes", () => {
  expectTypeOf<IsPortable<string | number | boolean | null | undefined>>().toEqualTypeOf<true>();
  expectTypeOf<IsPortable<void>>().toEqualTypeOf<true>();
  expectTypeOf<IsPortable<never>>().toEqualTypeOf<true>();
  expectTypeOf<IsPortable<Person>>().toEqualTypeOf<true>();
  expectTypeOf<IsPortable<Person[] | readonly [Person, ...number[]]>>().toEqualTypeOf<true>();
  expectTypeOf<IsPortable<Record<string, unknown>>>().toEqualTypeOf<true>();
  expectTypeOf<IsPortable<object>>().toEqualTypeOf<true>();
  expectTypeOf<IsPortable<Tree>>().toEqualTypeOf<true>();
  expectTypeOf<IsPortable<Json>>().toEqualTypeOf<true>();
  expectTypeOf<IsPortable<Shape>>().toEqualTypeOf<true>();
  expectTypeOf<IsPortable<UserId>>().toEqualTypeOf<true>();
  expectTypeOf<IsPortable<`id-${number}`>>().toEqualTypeOf<true>();
  expectTypeOf<IsPortable<Partial<Person> & { extra: 1 }>>().toEqualTypeOf<true>();
  expectTypeOf<IsPortable<Point>>().toEqualTypeOf<true>();
});

test("what the codec carries passes", () => {
  expectTypeOf<IsPortable<Date | URL | RegExp | bigint>>().toEqualTypeOf<true>();
  expectTypeOf<IsPortable<Map<Person, Set<Date>>>>().toEqualTypeOf<true>();
  expectTypeOf<IsPortable<Map<object, object> | Set<object>>>().toEqualTypeOf<true>();
  expectTypeOf<IsPortable<ReadonlyMap<string, Person>>>().toEqualTypeOf<true>();
  expectTypeOf<IsPortable<Error | TypeError | AggregateError>>().toEqualTypeOf<true>();
  expectTypeOf<
    IsPortable<Uint8Array | Buffer | ArrayBuffer | Float64Array | DataView>
  >().toEqualTypeOf<true>();
  expectTypeOf<IsPortable<{ file: Handle; files: Handle[] }>>().toEqualTypeOf<true>();
});

test("what this process alone knows does not", () => {
  expectTypeOf<IsPortable<() => void>>().toEqualTypeOf<false>();
  expectTypeOf<IsPortable<symbol>>().toEqualTypeOf<false>();
  expectTypeOf<IsPortable<Client>>().toEqualTypeOf<false>();
  expectTypeOf<IsPortable<typeof Client>>().toEqualTypeOf<false>();
  expectTypeOf<IsPortable<Promise<number>>>().toEqualTypeOf<false>();
  expectTypeOf<IsPortable<WeakMap<object, 1>>>().toEqualTypeOf<false>();
  expectTypeOf<IsPortable<ReadableStream>>().toEqualTypeOf<false>();
  expectTypeOf<IsPortable<AbortSignal>>().toEqualTypeOf<false>();
  expectTypeOf<IsPortable<Generator<number>>>().toEqualTypeOf<false>();
  expectTypeOf<IsPortable<number | (() => void)>>().toEqualTypeOf<false>();
  expectTypeOf<IsPortable<{ done?: () => void }>>().toEqualTypeOf<false>();
  expectTypeOf<IsPortable<Map<string, Client>>>().toEqualTypeOf<false>();
  expectTypeOf<IsPortable<{ deep: [number, { clients: Set<Client> }] }>>().toEqualTypeOf<false>();
});

test("the error names the part that cannot travel", () => {
  expectTypeOf<Offence<{ done: () => void }, "input">>().toEqualTypeOf<"input.done is a function">();
  expectTypeOf<
    Offence<{ a: { b: Promise<1> }[] }, "result">
  >().toEqualTypeOf<"result.a[].b is a promise (await it first)">();
  expectTypeOf<Offence<Map<string, symbol>, "input">>().toEqualTypeOf<"a value of input is a symbol">();
  expectTypeOf<Offence<number | (() => void), "input">>().toEqualTypeOf<"input is a function">();
  expectTypeOf<Offence<Tree, "input">>().toEqualTypeOf<never>();
});

test("tasks of values that cannot travel do not compile", () => {
  // @ts-expect-error input.done is a function
  env.task(async function a({ done }: { done: () => void }) {
    done();
  });
  // @ts-expect-error result.send is a function
  env.task(async function b() {
    return new Client();
  });
  // @ts-expect-error result is a function
  env.task({ retries: 1 }, async function c(n: number) {
    return () => n;
  });
  // @ts-expect-error input.run is a function
  env.task({ input: z.object({ run: z.function() }) }, async function d(input) {
    return typeof input;
  });
  // @ts-expect-error result is an iterator
  env.task(function* e(n: number) {
    yield n;
  });
});

test("generic helpers can make tasks of types they do not know", () => {
  function tasksOf<Item extends Json>(): Task<Item, Json> {
    return env.task(async function generic(item: Json) {
      return item;
    });
  }
  expectTypeOf(tasksOf<string>()).toEqualTypeOf<Task<string, Json>>();
});
