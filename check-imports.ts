/** Who may import whom: the arrows of ARCHITECTURE.md, and no cycles. Types count as much as code does, except in cycles. */
import { globSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { parseSync } from "oxc-parser";

interface Import {
  /** File, from the root. */
  readonly from: string;
  /** File, from the root, or a package's name. */
  readonly to: string;
  readonly isPackage: boolean;
  readonly typeOnly: boolean;
}

/** Folder → which other folders of ours it may import. A folder that is not named here may import all. */
const ARROWS: Readonly<Record<string, readonly string[]>> = {
  protocol: [],
  edge: [],
  infra: [],
  local: [],
  functions: ["protocol"],
  frontend: ["protocol"],
  "workspace-image": ["protocol"],
};
/** Beside its source stands what only tests use. */
const FOR_TESTS = /[.]test[.]tsx?$|[.]fixture[.]tsx?$|\/(test|arbitrary|simulated)-[^/]*[.]ts$|[.]tmp[.]ts$/;
const FOLDERS = "{protocol,edge,infra,local,functions,frontend,workspace-image,test}";

const manifest = JSON.parse(readFileSync(join(import.meta.dirname, "package.json"), "utf8")) as {
  imports: Record<string, string>;
  devDependencies: Record<string, string>;
};

/** @returns one line for each import that may not be */
export function checkImports(root: string): string[] {
  const files = [...globSync(`${FOLDERS}/**/*.{ts,tsx}`, { cwd: root }), ...globSync("*.ts", { cwd: root })];
  const imports = files.flatMap((file) => readImports(root, file));
  return [...imports.flatMap(faults), ...findCycles(imports)];
}

function faults(item: Import): string[] {
  const { from, to } = item;
  const found: string[] = [];
  const say = (why: string) => found.push(`${from} imports ${to}: ${why}`);
  const isTest = FOR_TESTS.test(from) || from.startsWith("test/");
  const folder = from.split("/")[0] as string;
  if (item.isPackage) {
    if (/^(aws-cdk-lib|constructs)\b/.test(to) && !/^(infra|test\/infra)\//.test(from))
      say("only infra/ knows the CDK");
    if (to.startsWith("@aws-sdk/") && folder === "functions" && !isTest && !/\/runtime\/|-store[.]ts$/.test(from)) {
      say("only stores and functions/runtime/ touch the SDK");
    }
    if (isDeployed(from) && !isTest && !item.typeOnly && nameOf(to) in manifest.devDependencies) {
      say("what is deployed uses no package of development");
    }
    return found;
  }
  const target = to.split("/")[0] as string;
  const allowed = ARROWS[folder];
  // Tests may besides look into what other folders are, to hold both against each other.
  if (allowed && !isTest && target !== folder && target in ARROWS && !allowed.includes(target)) {
    say(`${folder}/ imports ${allowed.length > 0 ? `only ${allowed.join(", ")}` : "nothing of ours"}`);
  }
  if (!isTest && (FOR_TESTS.test(to) || to.startsWith("test/"))) say("this is for tests only");
  return found;
}

function isDeployed(file: string): boolean {
  return /^(protocol|functions|workspace-image\/supervisor)\//.test(file);
}

/** `@scope/name/deep` → `@scope/name` */
function nameOf(specifier: string): string {
  return specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
}

function readImports(root: string, file: string): Import[] {
  const source = readFileSync(join(root, file), "utf8");
  const { module, errors } = parseSync(file, source);
  if (errors.length > 0) throw new Error(`${file} cannot be read: ${errors[0]?.message}`);
  const specifiers = [
    ...module.staticImports.map((item) => ({
      text: item.moduleRequest.value,
      typeOnly: item.entries.length > 0 && item.entries.every((entry) => entry.isType),
    })),
    ...module.staticExports.flatMap(({ entries }) =>
      entries.flatMap((entry) =>
        entry.moduleRequest ? [{ text: entry.moduleRequest.value, typeOnly: entry.isType }] : [],
      ),
    ),
    ...module.dynamicImports.flatMap(({ moduleRequest: { start, end } }) => {
      const literal = /^["'](.+)["']$/.exec(source.slice(start, end));
      return literal ? [{ text: literal[1] as string, typeOnly: false }] : [];
    }),
  ];
  return specifiers.map(({ text, typeOnly }) => {
    const path = resolveOurs(file, text);
    return { from: file, to: path ?? text, isPackage: path === undefined, typeOnly };
  });
}

/** @returns `undefined` for a package */
function resolveOurs(from: string, specifier: string): string | undefined {
  if (specifier.startsWith(".")) return relative(".", join(dirname(from), specifier));
  for (const [pattern, target] of Object.entries(manifest.imports)) {
    const prefix = pattern.slice(0, -1);
    if (specifier.startsWith(prefix)) return join(target.slice(0, -1), specifier.slice(prefix.length));
  }
  return undefined;
}

/** Each cycle once, as `a → b → a`. A cycle of types alone is none when it runs. */
function findCycles(imports: readonly Import[]): string[] {
  const graph = Map.groupBy(
    imports.filter((item) => !item.isPackage && !item.typeOnly),
    (item) => item.from,
  );
  const done = new Set<string>();
  const path: string[] = [];
  const cycles: string[] = [];
  const visit = (file: string): void => {
    const start = path.indexOf(file);
    if (start >= 0) cycles.push(`cycle: ${[...path.slice(start), file].join(" → ")}`);
    if (start >= 0 || done.has(file)) return;
    path.push(file);
    for (const { to } of graph.get(file) ?? []) visit(to);
    path.pop();
    done.add(file);
  };
  for (const file of graph.keys()) visit(file);
  return cycles;
}

if (import.meta.main) {
  const found = checkImports(import.meta.dirname);
  for (const line of found) console.log(line);
  process.exitCode = found.length === 0 ? 0 : 1;
}
