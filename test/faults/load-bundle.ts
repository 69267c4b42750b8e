/** Deployed bundles in this process: each load is a module graph of its own, with the globals that a history gives it. */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import vm from "node:vm";
import { transformSync } from "esbuild";

/** What a bundle sees in place of the host's. */
export interface BundleScope {
  readonly globals: Readonly<Record<string, unknown>>;
  /** Node's modules by name without `node:`; others are Node's own. */
  readonly modules: Readonly<Record<string, unknown>>;
}

type Load = (module: { exports: Record<string, unknown> }, require: unknown, ...globals: unknown[]) => void;

const scripts = new Map<string, Load>();
const hostRequire = createRequire(import.meta.url);

/** Runs `index.mjs` of a bundle's folder. @returns what it exports */
export function loadBundle(folder: string, file: string, { globals, modules }: BundleScope): Record<string, unknown> {
  const names = Object.keys(globals);
  const path = join(folder, file);
  const key = `${path}?${names.join()}`;
  let load = scripts.get(key);
  if (load === undefined) {
    load = compile(path, names);
    scripts.set(key, load);
  }
  const module = { exports: {} as Record<string, unknown> };
  const require = (name: string): unknown => {
    const plain = name.replace(/^node:/, "");
    if (plain === "module") return { createRequire: () => require };
    return Object.hasOwn(modules, plain) ? modules[plain] : hostRequire(name);
  };
  load(module, require, ...names.map((name) => globals[name]));
  afterLoading.get(path)?.();
  afterLoading.delete(path);
  return module.exports;
}

/** An ES module as a function: imports become calls of `require`, which a history can answer. Kept in `build/`, since it takes a while. */
function compile(path: string, names: readonly string[]): Load {
  const source = readFileSync(path, "utf8");
  const hash = createHash("sha256").update(`${names.join()}\0${source}`).digest("hex");
  const kept = join(import.meta.dirname, "../../build/histories", `${hash}.cjs`);
  let wrapped = read(kept);
  if (wrapped === undefined) {
    const { code } = transformSync(source, {
      format: "cjs",
      platform: "node",
      target: "node24",
      logLevel: "error",
      // So that these, too, are calls of `require`.
      supported: { "dynamic-import": false },
      // Bundles name themselves only to find modules of Node.
      define: { "import.meta.url": '"file:///bundle/index.mjs"' },
    });
    wrapped = `(function (module, require, ${names.join(", ")}) { const exports = module.exports;${code}\n})`;
    keep(kept, wrapped);
  }
  const cachedData = readBytes(`${kept}.compiled`);
  const script = new vm.Script(wrapped, { filename: path, ...(cachedData ? { cachedData } : {}) });
  const load = script.runInThisContext() as Load;
  if (cachedData === undefined || script.cachedDataRejected) {
    afterLoading.set(path, () => keep(`${kept}.compiled`, script.createCachedData()));
  }
  return load;
}

/** What was compiled while a bundle was loaded is worth keeping, so it is kept after that. */
const afterLoading = new Map<string, () => void>();

function read(file: string): string | undefined {
  return readBytes(file)?.toString("utf8");
}

function readBytes(file: string): Buffer | undefined {
  return existsSync(file) ? readFileSync(file) : undefined;
}

/** Whole, since others may do the same at this moment. */
function keep(file: string, content: string | Buffer): void {
  mkdirSync(dirname(file), { recursive: true });
  const whole = `${file}.${process.pid}`;
  writeFileSync(whole, content);
  renameSync(whole, file);
}
