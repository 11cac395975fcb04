import { OutOfMemoryError, TaskEnvironment } from "godwit";
import * as z from "zod";

const env = new TaskEnvironment({ name: "failure" });

const NEEDED_MI = 3_000;

/** Needs more memory than most machines have. It only pretends, so that the example leaves yours alone. */
export const train = env.task(async function train({ memoryMi }: { memoryMi: number }) {
  if (memoryMi < NEEDED_MI) throw new OutOfMemoryError(`needs ${NEEDED_MI} MiB and has ${memoryMi}`);
  return { accuracy: 0.93 };
});

/** A failure is an exception: catch it where something can be done about it, such as asking for more memory. */
export const main = env.task(
  { input: z.object({ maxMemoryMi: z.number().int().default(8_192) }) },
  async function main({ maxMemoryMi }) {
    const refused: number[] = [];
    for (let memoryMi = 1_024; memoryMi <= maxMemoryMi; memoryMi *= 2) {
      try {
        const { accuracy } = await train.override({ resources: { memory: `${memoryMi}Mi` } })({ memoryMi });
        return { accuracy, memoryMi, refused };
      } catch (error) {
        if (!(error instanceof OutOfMemoryError)) throw error;
        refused.push(memoryMi);
      }
    }
    throw new Error(`${maxMemoryMi} MiB are not enough`);
  },
);
