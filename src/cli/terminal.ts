import { styleText } from "node:util";

/** Where a command writes: data to stdout, everything else to stderr. */
export interface Terminal {
  /** A person watches stderr. */
  readonly isLive: boolean;
  readonly columns: number;
  readonly rows: number;
  /** A line of data. */
  data(text: string): void;
  /** A line for people. */
  note(text: string): void;
  /** Text for people as it is, such as cursor movements. */
  draw(text: string): void;
  paint(style: Style, text: string): string;
}

export type Style = "green" | "red" | "yellow" | "cyan" | "dim" | "bold";

/** Set by a supervising process that passes stderr on: the size of its terminal, `columns x rows`. */
export const TERMINAL_VARIABLE = "GODWIT_TERMINAL";

/** The terminal of this process, or that of the process that supervises it. */
export function openTerminal(): Terminal {
  const { stdout, stderr, env } = process;
  const size = /^(\d+)x(\d+)$/.exec(env[TERMINAL_VARIABLE] ?? "");
  const isTty = stderr.isTTY === true || size !== null;
  const isLive = isTty && !env["CI"] && env["TERM"] !== "dumb";
  const hasColor = usesColor(isTty);
  // Bound now: what tasks print is captured later, and what is told about them must not become part of it.
  const out = stdout.write.bind(stdout);
  const err = stderr.write.bind(stderr);
  return {
    isLive,
    get columns() {
      return stderr.columns ?? Number(size?.[1] ?? 80);
    },
    get rows() {
      return stderr.rows ?? Number(size?.[2] ?? 24);
    },
    data: (text) => void out(`${text}\n`),
    note: (text) => void err(`${text}\n`),
    draw: (text) => void err(text),
    paint: (style, text) => (hasColor ? styleText(style, text, { validateStream: false }) : text),
  };
}

/** https://no-color.org and https://force-color.org; otherwise colour is for terminals. */
function usesColor(isTty: boolean): boolean {
  const { NO_COLOR, FORCE_COLOR, TERM } = process.env;
  if (NO_COLOR) return false;
  if (FORCE_COLOR !== undefined) return FORCE_COLOR !== "0" && FORCE_COLOR !== "false";
  return isTty && TERM !== "dumb";
}

/** The size of this process's terminal for a child that has none of its own; undefined without one. */
export function terminalSize(): string | undefined {
  const { stderr } = process;
  return stderr.isTTY === true ? `${stderr.columns}x${stderr.rows}` : undefined;
}
