import { defineConfig } from "vitest/config";

export default defineConfig({
  // Picks src/*.ts from the exports map, so that nothing has to be built before a test.
  ssr: { resolve: { conditions: ["source"] } },
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/setup/global.ts"],
    setupFiles: ["test/setup/offline.ts", "test/setup/home.ts"],
    pool: "forks",
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // A mock or a variable that outlives its test makes the next one lie.
    restoreMocks: true,
    unstubEnvs: true,
    unstubGlobals: true,
    typecheck: {
      enabled: true,
      include: ["test/types/**/*.test-d.ts"],
      tsconfig: "test/types/tsconfig.json",
      // `npm run types` judges the sources; here only the expectations count.
      ignoreSourceErrors: true,
    },
  },
});
