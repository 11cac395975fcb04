import { CHECKS, type Finding } from "../doctor/checks.ts";
import { EXIT, exitCodeOf } from "../exit-code.ts";
import { formatTable } from "../table.ts";
import { type Verb, withExamples } from "../verb.ts";

export const verb: Verb = {
  isConfigOptional: true,
  configure(command) {
    withExamples(command, ["godwit doctor", "godwit doctor --endpoint https://godwit.example.com -o json"]);
  },
  async run(cli) {
    const findings: Finding[] = [];
    for (const check of CHECKS) findings.push(await check(cli));
    const { terminal, output } = cli;
    const shown = findings.filter((finding) => finding.state !== "skipped");
    if (output === "json") {
      terminal.data(
        JSON.stringify(shown.map(({ name, state, detail, hint }) => ({ name, state, detail, hint }))),
      );
    } else if (output === "id") terminal.data(shown.map(({ name, state }) => `${name} ${state}`).join("\n"));
    else
      terminal.data(
        formatTable(shown.map((finding) => [signOf(cli.terminal, finding), finding.name, textOf(finding)])),
      );
    const failed = shown.find((finding) => finding.state === "failed");
    return failed === undefined ? EXIT.ok : exitCodeOf(failed.error);
  },
};

function signOf(
  terminal: { paint(style: "green" | "yellow" | "red", text: string): string },
  { state }: Finding,
): string {
  if (state === "ok") return terminal.paint("green", "✓");
  return state === "warning" ? terminal.paint("yellow", "!") : terminal.paint("red", "✗");
}

function textOf({ detail, hint }: Finding): string {
  return hint === undefined ? detail : `${detail}. ${hint}`;
}
