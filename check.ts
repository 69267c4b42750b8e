/** What holds for every file, told by programs: types, format and lint, directions of import, unused code, and the lock. */
import { spawn } from "node:child_process";
import { copyFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const ROOT = import.meta.dirname;

interface Check {
  readonly name: string;
  readonly repair: string;
  run(): Promise<Outcome>;
}
interface Outcome {
  readonly code: number | null;
  readonly output: string;
}

const CHECKS: readonly Check[] = [
  {
    name: "types",
    repair: "npx tsc",
    run: () => node("node_modules/typescript/bin/tsc", "--pretty", "false"),
  },
  {
    name: "format and lint",
    repair: "npx biome check --write .",
    run: () => node("node_modules/@biomejs/biome/bin/biome", "ci", "--colors=off", "--error-on-warnings", "."),
  },
  {
    name: "directions of import",
    repair: "the rules stand in check-imports.ts",
    run: () => node("check-imports.ts"),
  },
  {
    name: "unused code",
    repair: "remove it, or name its entry point in knip.json",
    run: () => node("node_modules/knip/bin/knip.js", "--no-progress"),
  },
  {
    name: "size of what loads first",
    repair: "load later what the first page does not need",
    run: async () => {
      const built = await node("build.ts", "frontend");
      return built.code === 0 ? node("frontend/check-size.ts") : built;
    },
  },
  { name: "lock", repair: "npm install, and commit package-lock.json", run: checkLock },
];

/** A lock that misses packages of other platforms installs here and fails elsewhere: so `npm ci` must accept a copy of it. */
async function checkLock(): Promise<Outcome> {
  const folder = await mkdtemp(join(tmpdir(), "atelier-lock-"));
  try {
    for (const name of ["package.json", "package-lock.json", ".npmrc"]) {
      await copyFile(join(ROOT, name), join(folder, name));
    }
    return await run(
      "npm",
      ["ci", "--dry-run", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
      folder,
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function node(...args: string[]): Promise<Outcome> {
  return run(process.execPath, args, ROOT);
}

function run(program: string, args: readonly string[], cwd: string): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { cwd, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (output += chunk));
    child.once("error", (error) => resolve({ code: null, output: error.message }));
    child.once("close", (code) => resolve({ code, output }));
  });
}

let failed = 0;
for (const check of CHECKS) {
  const began = performance.now();
  const { code, output } = await check.run();
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  console.log(`${code === 0 ? "ok  " : "FAIL"} ${check.name} (${seconds} s)`);
  if (code === 0) continue;
  failed += 1;
  console.log(`${output.trim()}\n→ ${check.repair}\n`);
}
console.log(`${CHECKS.length - failed} checks passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
