/** What the client deploys: text, because it belongs to the client's machine and to no other. */
export const TASKS = `
import { createHash, randomBytes } from "node:crypto";
import { appendFileSync } from "node:fs";
import { File, TaskEnvironment } from "godwit";

const maker = new TaskEnvironment({ name: "maker" });
const reader = new TaskEnvironment({ name: "reader" });
const shared = new TaskEnvironment({ name: "shared", dependsOn: [maker, reader] });

const here = () => ({ machine: process.env.MACHINE, pid: process.pid });
const SECRETIVE = /AWS|TOKEN|GODWIT/;

export const make = maker.task(async function make({ mib }: { mib: number }) {
  const hash = createHash("sha256");
  async function* chunks() {
    for (let i = 0; i < mib; i++) {
      const chunk = randomBytes(2 ** 20);
      hash.update(chunk);
      yield chunk;
    }
  }
  const file = await File.fromStream(chunks(), { name: "noise" });
  return { ...here(), file, sha256: hash.digest("hex") };
});

export const read = reader.task(async function read({ file }: { file: File }) {
  const hash = createHash("sha256");
  let sizeBytes = 0;
  for await (const chunk of file.open()) {
    hash.update(chunk);
    sizeBytes += chunk.byteLength;
  }
  return { ...here(), sizeBytes, sha256: hash.digest("hex") };
});

export const pass = shared.task(async function pass({ mib }: { mib: number }) {
  const { file, ...made } = await make({ mib });
  const variables = Object.keys(process.env).filter((name) => SECRETIVE.test(name));
  return { made, seen: await read({ file }), variables, version: VERSION };
});

export const square = shared.task(async function square({ n, ms }: { n: number; ms: number }) {
  await new Promise((resolve) => setTimeout(resolve, ms));
  // In the folder of the machine: only there can be seen how far it is.
  appendFileSync("squares.log", ".");
  return { machine: process.env.MACHINE ?? "", value: n * n };
});

export const fan = shared.task(async function fan({ count, ms }: { count: number; ms: number }) {
  const squares = await Promise.all(Array.from({ length: count }, (_, n) => square({ n, ms })));
  const machines: Record<string, number> = {};
  for (const { machine } of squares) machines[machine] = (machines[machine] ?? 0) + 1;
  return { sum: squares.reduce((sum, { value }) => sum + value, 0), machines };
});
`;
