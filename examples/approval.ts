import { ConditionTimedOutError, condition, TaskEnvironment } from "godwit";
import * as z from "zod";

const env = new TaskEnvironment({ name: "approval" });

const Answer = z.object({ approved: z.boolean(), note: z.string().default("") });

export const build = env.task(async function build(version: string) {
  return { artifact: `app-${version}.tar.gz` };
});

export const publish = env.task(async function publish(artifact: string) {
  return `https://downloads.example.com/${artifact}`;
});

/** Asks a person before it goes on. While it waits it is parked: no process, no slot, for minutes or for months. */
export const main = env.task(
  { input: z.object({ version: z.string().default("1.0.0"), timeout: z.string().default("7d") }) },
  async function main({ version, timeout }) {
    const { artifact } = await build(version);
    try {
      const prompt = `Publish **${artifact}**?`;
      const { approved, note } = await condition({ name: "release", prompt, schema: Answer, timeout });
      return approved ? { url: await publish(artifact), note } : { refused: note };
    } catch (error) {
      if (error instanceof ConditionTimedOutError) return { refused: `nobody answered within ${timeout}` };
      throw error;
    }
  },
);
