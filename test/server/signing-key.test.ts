import { chmod, mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { keptSigningKey, parseSigningKey, secretFrom } from "../../src/server/signing-key.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "godwit-key-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe("a signing key", () => {
  test("is made once, for its owner alone", async () => {
    const path = join(folder, "data", "signing-key");
    const keys = await Promise.all(Array.from({ length: 8 }, () => keptSigningKey(path)));
    expect(new Set(keys.map((key) => Buffer.from(key).toString("hex"))).size).toBe(1);
    expect(keys[0]).toHaveLength(32);
    expect(await keptSigningKey(path)).toEqual(keys[0]);
    expect(await readdir(join(folder, "data"))).toEqual(["signing-key"]);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  test("is refused when others may read it", async () => {
    const path = join(folder, "signing-key");
    await keptSigningKey(path);
    await chmod(path, 0o640);
    await expect(keptSigningKey(path)).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      message: expect.stringContaining("others may read it (its rights are 0640)"),
    });
  });

  test("is refused when it is none, without being shown", async () => {
    const path = join(folder, "signing-key");
    await writeFile(path, "hunter2\n", { mode: 0o600 });
    await expect(keptSigningKey(path)).rejects.toThrow(
      `the signing key in ${path} has 5 bytes, and needs 32`,
    );
    expect(() => parseSigningKey("über geheim", "GODWIT_SIGNING_KEY")).toThrow(
      "the signing key in GODWIT_SIGNING_KEY is not base64",
    );
  });

  test("takes both alphabets of base64", () => {
    const bytes = Buffer.alloc(33, 0xfb);
    expect(parseSigningKey(bytes.toString("base64"), "x")).toEqual(new Uint8Array(bytes));
    expect(parseSigningKey(`${bytes.toString("base64url")}\n`, "x")).toEqual(new Uint8Array(bytes));
  });

  test("gives each purpose a secret of its own", () => {
    const key = new Uint8Array(32).fill(1);
    expect(secretFrom(key, "a")).toBe(secretFrom(key, "a"));
    expect(secretFrom(key, "a")).not.toBe(secretFrom(key, "b"));
    expect(secretFrom(key, "a")).not.toBe(secretFrom(new Uint8Array(32).fill(2), "a"));
  });
});
