/** The files of a new project, by name. It runs as it is, without a network. */
export function starterFiles(folder: string, version: string): Readonly<Record<string, string>> {
  return {
    "package.json": json({
      name: packageName(folder),
      private: true,
      type: "module",
      scripts: { start: "godwit run hello.ts main --who world", dev: "godwit dev" },
      dependencies: { godwit: `^${version}` },
      devDependencies: { "@types/node": "^24", typescript: "^7" },
    }),
    "tsconfig.json": json({
      compilerOptions: {
        target: "es2024",
        module: "nodenext",
        strict: true,
        noEmit: true,
        erasableSyntaxOnly: true,
        allowImportingTsExtensions: true,
        skipLibCheck: true,
      },
      include: ["*.ts"],
    }),
    // `.godwit` ignores itself, but for the configuration in it.
    ".gitignore": "node_modules/\n",
    "hello.ts": HELLO,
  };
}

const HELLO = `import { ctx, map, TaskEnvironment } from "godwit";

const env = new TaskEnvironment({ name: "hello", retries: 2 });

/** Every call inside a task is an action of its own: recorded, retried, cached, and run in parallel. */
export const greet = env.task(async function greet({ name, times }: { name: string; times: number }) {
  ctx().log.info(\`greeting \${name}\`);
  return \`Hello\${", hello".repeat(times - 1)}, \${name}!\`;
});

export const main = env.task(async function main({ who = "world" }: { who?: string }) {
  const greetings = await map(
    greet,
    [1, 2, 3].map((times) => ({ name: who, times })),
  );
  return greetings.join("\\n");
});
`;

function json(value: object): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/** What npm takes as a name. */
function packageName(folder: string): string {
  const name = folder
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, "-")
    .replace(/^-+|-+$/g, "");
  return name === "" ? "godwit-project" : name;
}
