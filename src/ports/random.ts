import { randomBytes } from "node:crypto";
import { uuidv7 } from "uuidv7";
import { base32 } from "../core/identity.ts";

/** Chance, handed in: a simulation owns it. */
export interface Random {
  /** In [0, 1). */
  number(): number;
  /** A secret that cannot be guessed, of `characters` base32 characters. */
  nonce(characters: number): string;
  /** A unique id whose order is the order of creation. */
  id(): string;
}

const POOL_BYTES = 8_192;
let pool = Buffer.alloc(0);
let used = 0;

/** Bytes from the system's generator, drawn in large pieces: a call for every nonce would cost more than its use. */
function drawBytes(count: number): Uint8Array {
  if (used + count > pool.length) {
    pool = randomBytes(Math.max(POOL_BYTES, count));
    used = 0;
  }
  used += count;
  return pool.subarray(used - count, used);
}

/** The chance of the machine. */
export const systemRandom: Random = {
  number: () => Math.random(),
  nonce: (characters) => base32(drawBytes(Math.ceil((characters * 5) / 8)), characters),
  id: () => uuidv7().replaceAll("-", ""),
};
