import { tmpdir } from "node:os";
import { join } from "node:path";

/** A developer's own configuration must not decide what a test sees: it is looked for where nothing is. */
process.env["XDG_CONFIG_HOME"] = join(tmpdir(), "godwit-tests-have-no-configuration");
