import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import type { Context } from "hono";
import type { ZodType } from "zod";
import { GodwitError } from "../core/errors.ts";
import type { CoordinatorEnv } from "./parts.ts";
import { invalidRequest } from "./problem.ts";
import { pointerOf } from "./request-fault.ts";

const unzip = promisify(gunzip);

/** The JSON body of a runner's request, which may be compressed, as its schema reads it. */
export async function readBody<Body>(c: Context<CoordinatorEnv>, schema: ZodType<Body>): Promise<Body> {
  const { data, error } = schema.safeParse(parse(await textOf(c)));
  if (error === undefined) return data as Body;
  const issues = error.issues
    .slice(0, 20)
    .map(({ path, message }) => ({ pointer: pointerOf(path), message }));
  throw invalidRequest(`${issues[0]?.pointer}: ${issues[0]?.message}`, issues);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw invalidRequest(`the body is not JSON: ${(error as Error).message}`);
  }
}

async function textOf(c: Context<CoordinatorEnv>): Promise<string> {
  const encoding = c.req.header("Content-Encoding");
  if (encoding === undefined) return c.req.text();
  if (encoding !== "gzip") throw invalidRequest(`the encoding "${encoding}" is not known; use gzip`);
  return inflate(await c.req.arrayBuffer(), c.var.parts.limits.internalBodyBytes);
}

/** Stops at the limit: a small body can hold a very large one. */
async function inflate(bytes: ArrayBuffer, maxOutputLength: number): Promise<string> {
  try {
    return (await unzip(bytes, { maxOutputLength })).toString();
  } catch (error) {
    throw (error as { code?: unknown }).code === "ERR_BUFFER_TOO_LARGE"
      ? new GodwitError("BODY_TOO_LARGE", "the body is too large once unpacked", { cause: error })
      : invalidRequest("the body is not gzip");
  }
}
