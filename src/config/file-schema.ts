import * as z from "zod";
import { faultOf } from "./check.ts";
import { OUTPUT_FORMATS, type SettingName } from "./settings.ts";

/** Text that a setting takes. */
function text(name: SettingName): z.ZodString {
  return z.string().superRefine((value, context) => {
    const fault = faultOf(name, value);
    if (fault !== undefined) context.addIssue({ code: "custom", message: fault });
  });
}

const section = {
  endpoint: text("endpoint").optional(),
  project: text("project").optional(),
  domain: text("domain").optional(),
  dataDir: text("dataDir").optional(),
  output: z.enum(OUTPUT_FORMATS).optional(),
  token: text("token").optional(),
  tokenFile: text("token").optional(),
  tokenEnv: z
    .string()
    .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "must be the name of a variable")
    .optional(),
};

/** What a file, or one of its profiles, says. */
export interface SectionText {
  readonly endpoint?: string | undefined;
  readonly project?: string | undefined;
  readonly domain?: string | undefined;
  readonly dataDir?: string | undefined;
  readonly output?: string | undefined;
  readonly token?: string | undefined;
  readonly tokenFile?: string | undefined;
  readonly tokenEnv?: string | undefined;
}

export interface FileText extends SectionText {
  readonly profile?: string | undefined;
  readonly profiles?: Readonly<Record<string, SectionText | null>> | undefined;
}

/** Keys of a profile, for suggestions. */
export const SECTION_KEYS: readonly string[] = Object.keys(section);
/** Keys of a file. */
export const FILE_KEYS: readonly string[] = [...SECTION_KEYS, "profile", "profiles"];

const PROFILE_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;

/** A configuration file. A profile may be empty: another file completes it. */
export const configFileSchema: z.ZodType<FileText> = z.strictObject({
  ...section,
  profile: z.string().min(1, "must not be empty").optional(),
  profiles: z
    .record(
      z.string().regex(PROFILE_NAME, "must be letters, digits, `.`, `_` and `-`"),
      z.strictObject(section).nullable(),
    )
    .optional(),
});
