import type { Refusal } from "../http.ts";
import { xmlText } from "../xml.ts";

/** What a store said, whichever it is: clouds answer in XML, a coordinator's own folder as a problem. */
export function readRefusal(response: Response, text: string): Refusal {
  const status = String(response.status);
  const code = xmlText(text, "Code");
  if (code !== undefined) return { code, message: xmlText(text, "Message") ?? status };
  const problem = readProblem(text);
  return { code: problem.code ?? status, message: problem.detail ?? text.slice(0, 200) };
}

function readProblem(text: string): { readonly code?: string; readonly detail?: string } {
  try {
    const { code, detail } = JSON.parse(text) as Record<string, unknown>;
    return {
      ...(typeof code === "string" && { code }),
      ...(typeof detail === "string" && { detail }),
    };
  } catch {
    return {};
  }
}
