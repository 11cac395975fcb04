import { hash } from "node:crypto";
import { base32 } from "../../core/identity.ts";

/**
 * Ids of runners that were started with a key: `<name>-<owner>-<nonce>`. The id itself says whose it is, so that nobody
 * else can renew its credentials, and the store need not remember runners that have not been heard of yet.
 */
export const NONCE_CHARACTERS = 10;
const OWNER_CHARACTERS = 10;

const PATTERN: RegExp = new RegExp(
  `^[A-Za-z0-9_-]{1,40}-([a-z2-7]{${OWNER_CHARACTERS}})-[a-z2-7]{${NONCE_CHARACTERS}}$`,
);

/** @param caller id of whoever asks for the runner */
export function runnerId(name: string, caller: string, nonce: string): string {
  return `${name}-${ownerOf(caller)}-${nonce}`;
}

/** Whether a runner was started by this caller. */
export function isRunnerOf(caller: string, runner: string): boolean {
  return PATTERN.exec(runner)?.[1] === ownerOf(caller);
}

function ownerOf(caller: string): string {
  return base32(hash("sha256", caller, "buffer"), OWNER_CHARACTERS);
}
