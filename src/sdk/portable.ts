declare const problem: unique symbol;

/** A type nothing can be assigned to, so that a mistake is reported with a sentence instead of a puzzle. */
export interface GodwitTypeError<Sentence extends string> {
  readonly [problem]: Sentence;
}

/**
 * Marks a class whose instances the codec carries, methods and all, such as files. In types only.
 *
 * @example
 * class File { declare readonly "~portable": true; }
 */
interface PortableObject {
  readonly "~portable": true;
}

/** Carried as they are, whatever methods they have. */
type Leaf = string | number | boolean | bigint | null | undefined | Nothing | Known;
type Known = Date | URL | RegExp | Error | Bytes | PortableObject;
type Bytes = ArrayBufferLike | ArrayBufferView;

/** What a function gives that returns nothing. */
// biome-ignore lint/suspicious/noConfusingVoidType: a name for it
export type Nothing = void;

// biome-ignore-start lint/suspicious/noExplicitAny: matches a function of any signature
type AnyFunction = ((...args: any) => any) | (abstract new (...args: any) => any);
// biome-ignore-end lint/suspicious/noExplicitAny: see above

/** Never carried. */
type Stuck = symbol | AnyFunction | PromiseLike<unknown> | Stream | Weak;
type Stream = Iterator<unknown> | AsyncIterable<unknown>;
type Weak = WeakMap<WeakKey, unknown> | WeakSet<WeakKey> | WeakRef<WeakKey>;

/**
 * `T` when every value of it can travel between tasks; otherwise a type `T` is not assignable to.
 * Every step is an object type, because those are compared lazily: recursive types need no depth limit.
 */
type Portable<T> = unknown extends T
  ? T
  : T extends Leaf
    ? T
    : T extends ReadonlyMap<infer Key, infer Value>
      ? { entries(): Iterable<readonly [Portable<Key>, Portable<Value>]> }
      : T extends ReadonlySet<infer Item>
        ? { values(): Iterable<Portable<Item>> }
        : T extends Stuck
          ? GodwitTypeError<`${Kind<T>} cannot travel between tasks`>
          : T extends readonly unknown[]
            ? { readonly [index: number]: Portable<T[number]> }
            : { [Key in keyof T as Key extends symbol ? never : Key]: Portable<T[Key]> };

/** True when `T` can travel. `any` and `unknown` pass: the codec checks them at run time. */
export type IsPortable<T> = unknown extends T ? true : [T] extends [Portable<T>] ? true : false;

/** Names what of `T` cannot travel. @example Offence<{ done: () => void }, "input"> // "input.done is a function" */
export type Offence<T, Path extends string, Depth extends unknown[] = []> = Depth["length"] extends 6
  ? never
  : unknown extends T
    ? never
    : T extends Leaf
      ? never
      : T extends ReadonlyMap<infer Key, infer Value>
        ?
            | Offence<Key, `a key of ${Path}`, [...Depth, 0]>
            | Offence<Value, `a value of ${Path}`, [...Depth, 0]>
        : T extends ReadonlySet<infer Item>
          ? Offence<Item, `an item of ${Path}`, [...Depth, 0]>
          : T extends Stuck
            ? `${Path} is ${Kind<T>}`
            : T extends readonly (infer Item)[]
              ? Offence<Item, `${Path}[]`, [...Depth, 0]>
              : OffenceInside<T, Path, Depth>;

type OffenceInside<T, Path extends string, Depth extends unknown[]> = {
  [Key in keyof T & (string | number)]-?: Offence<T[Key], `${Path}.${Key}`, [...Depth, 0]>;
}[keyof T & (string | number)];

type Kind<T> = T extends symbol
  ? "a symbol"
  : T extends PromiseLike<unknown>
    ? "a promise (await it first)"
    : T extends Stream
      ? "an iterator"
      : T extends AnyFunction
        ? "a function"
        : "a weak reference";

/** `unknown` (changes nothing in an intersection) when `T` can travel, else the error with its sentence. */
export type CheckPortable<T, Subject extends string> =
  IsPortable<T> extends true
    ? unknown
    : GodwitTypeError<`This value cannot travel between tasks: ${Offence<T, Subject>}. Pass plain data, dates, maps, sets, bytes or files.`>;
