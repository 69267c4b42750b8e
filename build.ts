/** Makes `build/` and `cdk.out/`. A step whose inputs have not changed since it last ended well is skipped. */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { basename, join, relative } from "node:path";
import type { Plugin } from "esbuild";
import { holdLock } from "./workspace-image/ide/hold-lock.ts";

const ROOT = import.meta.dirname;
const OUT = join(ROOT, "build");

/** Deployed functions: name of the bundle and file with its handler. */
export const FUNCTIONS: Readonly<Record<string, string>> = {
  "on-request": "functions/rpc/on-request.ts",
  "on-connect": "functions/socket/on-connect.ts",
  "on-message": "functions/socket/on-message.ts",
  "on-disconnect": "functions/socket/on-disconnect.ts",
  "sign-in": "functions/access/sign-in.ts",
  enter: "functions/workspaces/enter.ts",
  version: "functions/deployment/version.ts",
  "drive-workspace": "functions/workspaces/drive-workspace.ts",
  "on-task-change": "functions/workspaces/on-task-change.ts",
  sweep: "functions/workspaces/sweep.ts",
  "remove-directory": "functions/workspaces/remove-directory.ts",
  "make-keys": "functions/deployment/make-keys.ts",
  "publish-site": "functions/deployment/publish-site.ts",
};

interface Step {
  readonly name: string;
  /** Files and folders. Tests in them do not count. */
  readonly inputs: readonly string[];
  /** What must be there afterwards. */
  readonly outputs: readonly string[];
  readonly after?: readonly string[];
  run(): Promise<void>;
}

/** Of every step: what runs them, and the packages. */
const COMMON_INPUTS = ["build.ts", "package.json", "package-lock.json"];

const STEPS: readonly Step[] = [
  {
    name: "functions",
    inputs: ["functions", "protocol"],
    outputs: Object.keys(FUNCTIONS).map((name) => `build/functions/${name}/index.mjs`),
    run: bundleFunctions,
  },
  {
    name: "supervisor",
    inputs: ["workspace-image/supervisor", "protocol"],
    outputs: ["build/workspace-image/supervisor.mjs"],
    run: bundleSupervisor,
  },
  {
    name: "frontend",
    inputs: ["frontend", "protocol"],
    outputs: ["build/frontend/index.html"],
    run: () =>
      runNode(["node_modules/vite/bin/vite.js", "build", "--config", "frontend/vite.config.ts", "--logLevel", "warn"]),
  },
  {
    name: "site",
    inputs: ["build/frontend", "build/functions/publish-site/index.mjs"],
    outputs: ["build/functions/publish-site/site/index.html"],
    after: ["functions", "frontend"],
    run: copySite,
  },
  {
    name: "template",
    inputs: ["infra", "edge", "build/functions", "build/frontend"],
    outputs: ["cdk.out/Atelier.template.json", "cdk.out/Atelier.assets.json"],
    after: ["site"],
    run: synthesize,
  },
];

/**
 * Runs the steps with these names and what they come after; all of them without names.
 * @throws Error of the first step that fails
 */
export async function build(names: readonly string[] = STEPS.map((step) => step.name)): Promise<void> {
  await holdLock(
    join(OUT, ".lock"),
    (pid) => console.log(`Waiting for another build (process ${pid}) …`),
    async () => {
      const running = new Map<string, Promise<void>>();
      const start = (name: string): Promise<void> => {
        const step = STEPS.find((candidate) => candidate.name === name);
        if (!step) throw new Error(`There is no build step ${name}; there are ${STEPS.map((s) => s.name).join(", ")}.`);
        const known = running.get(name);
        if (known) return known;
        const promise = Promise.all((step.after ?? []).map(start)).then(() => runIfChanged(step));
        running.set(name, promise);
        return promise;
      };
      // All end before this one does, so that nothing is written after the lock is gone.
      const ends = await Promise.allSettled(names.map(start));
      const failed = ends.find((end) => end.status === "rejected");
      if (failed) throw failed.reason;
    },
  );
}

async function runIfChanged(step: Step): Promise<void> {
  const stamp = join(OUT, ".stamps", step.name);
  const before = fingerprint([...COMMON_INPUTS, ...step.inputs]);
  const done = existsSync(stamp) && readFileSync(stamp, "utf8") === before;
  if (done && step.outputs.every((file) => existsSync(join(ROOT, file)))) return;
  rmSync(stamp, { force: true });
  const began = performance.now();
  await step.run();
  const missing = step.outputs.filter((file) => !existsSync(join(ROOT, file)));
  if (missing.length > 0) throw new Error(`The build step ${step.name} made no ${missing.join(", ")}.`);
  mkdirSync(join(OUT, ".stamps"), { recursive: true });
  writeFileSync(stamp, before);
  console.log(`Built ${step.name} (${((performance.now() - began) / 1000).toFixed(1)} s)`);
}

/** Of names and contents, in a fixed order. */
function fingerprint(paths: readonly string[]): string {
  const hash = createHash("sha256");
  const add = (file: string): void => {
    const stat = statSync(file, { throwIfNoEntry: false });
    if (stat?.isDirectory()) {
      for (const name of readdirSync(file).sort()) add(join(file, name));
    } else if (stat && !/\.test\.tsx?$/.test(file)) {
      hash.update(`${relative(ROOT, file)}\0${stat.size}\0`).update(readFileSync(file));
    }
  };
  for (const path of paths) add(join(ROOT, path));
  return hash.digest("hex");
}

async function bundleFunctions(): Promise<void> {
  // What is no longer deployed must not stay.
  rmSync(join(OUT, "functions"), { recursive: true, force: true });
  await bundle(Object.fromEntries(Object.entries(FUNCTIONS).map(([name, file]) => [`functions/${name}/index`, file])));
}

async function bundleSupervisor(): Promise<void> {
  await bundle({ "workspace-image/supervisor": "workspace-image/supervisor/main.ts" });
}

/**
 * Node's own modules by `require`. An import of `node:http` reads each of its exports at once, and one of them loads all of undici:
 * some 20 ms of processor time, a fifth of what it takes to load a function.
 */
const builtinsByRequire: Plugin = {
  name: "builtins-by-require",
  setup(build) {
    build.onResolve({ filter: /^[a-z]/ }, ({ path, kind }) =>
      kind === "import-statement" && isBuiltin(path) ? { path, namespace: "builtin" } : undefined,
    );
    build.onLoad({ filter: /^/, namespace: "builtin" }, ({ path }) => ({
      contents: `module.exports = require(${JSON.stringify(path)});`,
    }));
  },
};

/** One file each, with nothing left to install. */
async function bundle(entryPoints: Record<string, string>): Promise<void> {
  const esbuild = await import("esbuild");
  await esbuild.build({
    entryPoints,
    absWorkingDir: ROOT,
    outdir: OUT,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    platform: "node",
    target: "node24",
    format: "esm",
    minify: true,
    sourcemap: "linked",
    // The source is in the repository; a stack trace needs names and lines only.
    sourcesContent: false,
    legalComments: "external",
    plugins: [builtinsByRequire],
    // What takes part as CommonJS calls `require` for Node's modules.
    banner: {
      js: 'import{createRequire as __createRequire}from"node:module";const require=__createRequire(import.meta.url);',
    },
    mainFields: ["module", "main"],
    conditions: ["node"],
    // What is wrong stands in the error that it throws.
    logLevel: "silent",
  });
}

async function copySite(): Promise<void> {
  const site = join(OUT, "functions/publish-site/site");
  rmSync(site, { recursive: true, force: true });
  cpSync(join(OUT, "frontend"), site, { recursive: true });
}

async function synthesize(): Promise<void> {
  await runNode(["infra/app.ts"]);
  removeOldAssets();
}

/** Assets of earlier builds. A cloud that runs may still load the youngest of them. */
function removeOldAssets(): void {
  const folder = join(ROOT, "cdk.out");
  const manifest = JSON.parse(readFileSync(join(folder, "Atelier.assets.json"), "utf8")) as {
    files: Record<string, { source: { path: string } }>;
  };
  const used = new Set(Object.values(manifest.files).map(({ source }) => basename(source.path)));
  const dayAgo = Date.now() - 24 * 60 * 60_000;
  for (const name of readdirSync(folder)) {
    if (!name.startsWith("asset.") || used.has(name)) continue;
    const path = join(folder, name);
    if (statSync(path).mtimeMs < dayAgo) rmSync(path, { recursive: true, force: true });
  }
}

/** A program of its own, so that what it loads is gone afterwards. Its output is shown when it fails or warns. */
async function runNode(args: readonly string[]): Promise<void> {
  const child = spawn(process.execPath, args, { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (output += chunk));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  if (code !== 0) throw new Error(`${basename(args[0] as string)} ended with ${code}:\n${output.trim()}`);
  if (output.trim() !== "") console.log(output.trim());
}

// Not `import.meta.main`: `with-node-24.mjs` imports it.
if (process.argv[1] === import.meta.filename) {
  try {
    await build(process.argv.length > 2 ? process.argv.slice(2) : undefined);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
