import { GodwitError } from "../src/core/errors.ts";

/**
 * Loads an optional package. A missing one is answered with what to install.
 *
 * @example const { AwsV4Signer } = await importPackage("aws4fetch", () => import("aws4fetch"));
 */
export async function importPackage<Module>(name: string, load: () => Promise<Module>): Promise<Module> {
  try {
    return await load();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ERR_MODULE_NOT_FOUND") throw error;
    throw new GodwitError("PACKAGE_MISSING", `"${name}" is needed here and is not installed`, {
      cause: error,
      hint: `Install it: npm install ${name}`,
    });
  }
}
