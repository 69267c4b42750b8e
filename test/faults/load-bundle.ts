/** Deployed bundles in this process: each load is a module graph of its own, with the globals that a history gives it. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
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
  return module.exports;
}

/** An ES module as a function: imports become calls of `require`, which a history can answer. */
function compile(path: string, names: readonly string[]): Load {
  const { code } = transformSync(readFileSync(path, "utf8"), {
    format: "cjs",
    platform: "node",
    target: "node24",
    logLevel: "error",
    // So that these, too, are calls of `require`.
    supported: { "dynamic-import": false },
    // Bundles name themselves only to find modules of Node.
    define: { "import.meta.url": '"file:///bundle/index.mjs"' },
  });
  const wrapped = `(function (module, require, ${names.join(", ")}) { const exports = module.exports;${code}\n})`;
  return new vm.Script(wrapped, { filename: path }).runInThisContext() as Load;
}
