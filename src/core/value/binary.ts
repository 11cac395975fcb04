import { fromBase64, isBuffer, toBase64, toBuffer } from "./base64.ts";
import type { ValueType } from "./value-type.ts";

/** Views are sent as the bytes they show, never as the whole buffer behind them. */
function encodeView(view: ArrayBufferView): string {
  return toBase64(new Uint8Array(view.buffer, view.byteOffset, view.byteLength));
}

function decodeBytes(payload: unknown): Uint8Array<ArrayBuffer> {
  const bytes = typeof payload === "string" ? fromBase64(payload) : undefined;
  if (!bytes) throw new TypeError("not base64");
  return bytes;
}

interface TypedArrayClass {
  readonly name: string;
  new (buffer: ArrayBuffer): ArrayBufferView;
}

function typedArray(Class: TypedArrayClass, tag: string): ValueType<ArrayBufferView, string> {
  return {
    tag,
    is: (value): value is ArrayBufferView => value instanceof Class,
    encode: encodeView,
    decode: (payload) => new Class(decodeBytes(payload).buffer),
  };
}

/** A `Buffer` comes back as one on Node, as a `Uint8Array` elsewhere. */
const buffer: ValueType<Uint8Array, string> = {
  tag: "buffer",
  is: (value): value is Uint8Array => isBuffer(value),
  encode: encodeView,
  decode: (payload) => toBuffer(decodeBytes(payload)),
};

const arrayBuffer: ValueType<ArrayBuffer, string> = {
  tag: "arraybuffer",
  is: (value): value is ArrayBuffer => value instanceof ArrayBuffer,
  encode: (value) => toBase64(new Uint8Array(value)),
  decode: (payload) => decodeBytes(payload).buffer,
};

const Float16 = (globalThis as { readonly Float16Array?: TypedArrayClass }).Float16Array;

/** Everything that holds bytes; numbers keep the byte order of the machine, little-endian on all we run on. */
// biome-ignore lint/suspicious/noExplicitAny: a list of types with different values; each is only given its own.
export const BINARY_TYPES: readonly ValueType<any, any>[] = [
  buffer,
  typedArray(Uint8Array, "bytes"),
  arrayBuffer,
  typedArray(DataView, "dataview"),
  typedArray(Int8Array, "int8array"),
  typedArray(Uint8ClampedArray, "uint8clampedarray"),
  typedArray(Int16Array, "int16array"),
  typedArray(Uint16Array, "uint16array"),
  typedArray(Int32Array, "int32array"),
  typedArray(Uint32Array, "uint32array"),
  typedArray(Float32Array, "float32array"),
  typedArray(Float64Array, "float64array"),
  typedArray(BigInt64Array, "bigint64array"),
  typedArray(BigUint64Array, "biguint64array"),
  ...(Float16 ? [typedArray(Float16, "float16array")] : []),
];
