import { GodwitError } from "../../core/errors.ts";
import { type Verb, withExamples } from "../verb.ts";

export const verb: Verb = {
  configure(command) {
    withExamples(command, ["godwit resume r01a…"]);
    command
      .argument("<run>", "id of a run of this machine whose process is gone")
      .option("--no-logs", "do not show what tasks print");
  },
  async run(cli, { args }) {
    if (cli.endpoint !== undefined) {
      throw new GodwitError("FLAG_INVALID", "a coordinator resumes its runs by itself", {
        hint: "Leave `--endpoint` out for a run of this machine.",
      });
    }
    const { resumeRun } = await import("../local/resume.ts");
    const { connectSupervisor } = await import("../local/supervisor.ts");
    return resumeRun(cli, connectSupervisor(), args[0] ?? "");
  },
};
