import { defineConfig } from "vitest/config";

/** Unit tests stand beside their source; what crosses folders is in `test/`, slowest last. */
export default defineConfig({
  test: {
    testTimeout: 20_000,
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          include: ["{protocol,functions,infra,edge,workspace-image,frontend,local}/**/*.test.{ts,tsx}"],
        },
      },
      {
        extends: true,
        test: {
          name: "system",
          include: ["test/**/*.test.ts"],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
