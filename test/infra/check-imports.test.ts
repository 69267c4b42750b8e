import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { checkImports } from "../../check-imports.ts";

let root = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "atelier-imports-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function write(files: Readonly<Record<string, string>>): void {
  for (const [name, source] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), source);
  }
}

it("finds nothing in this repository", () => {
  expect(checkImports(join(import.meta.dirname, "../.."))).toEqual([]);
});

it("refuses arrows against the house, of types and of subpaths too", () => {
  write({
    "protocol/a.ts": 'import type { B } from "../functions/b.ts";',
    "local/c.ts": 'export { b } from "#functions/b.ts";',
    "frontend/d.ts": 'const b = await import("../functions/b.ts");',
    "functions/b.ts": 'import { a } from "#protocol/a.ts"; import { x } from "./b.test.ts";',
  });
  expect(checkImports(root).sort()).toEqual([
    "frontend/d.ts imports functions/b.ts: frontend/ imports only protocol",
    "functions/b.ts imports functions/b.test.ts: this is for tests only",
    "local/c.ts imports functions/b.ts: local/ imports nothing of ours",
    "protocol/a.ts imports functions/b.ts: protocol/ imports nothing of ours",
  ]);
});

it("refuses packages where they have no place", () => {
  write({
    "local/a.ts": 'import { App } from "aws-cdk-lib";',
    "functions/rule.ts": 'import { ECSClient } from "@aws-sdk/client-ecs";',
    "functions/task-store.ts": 'import { ECSClient } from "@aws-sdk/client-ecs";',
    "functions/b.ts": 'import fc from "fast-check";',
    "functions/b.test.ts": 'import fc from "fast-check";',
  });
  expect(checkImports(root).sort()).toEqual([
    "functions/b.ts imports fast-check: what is deployed uses no package of development",
    "functions/rule.ts imports @aws-sdk/client-ecs: only stores and functions/runtime/ touch the SDK",
    "local/a.ts imports aws-cdk-lib: only infra/ knows the CDK",
  ]);
});

it("finds cycles, but not of types alone", () => {
  write({
    "local/a.ts": 'import { b } from "./b.ts";',
    "local/b.ts": 'import { c } from "./c.ts";',
    "local/c.ts": 'import { a } from "./a.ts";',
    "local/d.ts": 'import type { E } from "./e.ts";',
    "local/e.ts": 'import { d } from "./d.ts";',
  });
  expect(checkImports(root)).toEqual([expect.stringMatching(/^cycle: (local\/[abc]\.ts( → )?){4}$/)]);
});
