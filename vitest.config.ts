import { availableParallelism } from "node:os";
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
          // Vitest leaves one core alone, which is half of a machine with two.
          maxWorkers: Math.max(2, availableParallelism() - 1),
          include: ["{protocol,functions,infra,edge,workspace-image,frontend,local}/**/*.test.{ts,tsx}"],
        },
      },
      {
        extends: true,
        test: {
          name: "system",
          include: ["test/**/*.test.ts"],
          exclude: ["test/faults/**"],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: "histories",
          include: ["test/faults/**/*.test.ts"],
          globalSetup: "test/faults/play-beside.ts",
          fileParallelism: false,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
