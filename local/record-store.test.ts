import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, expect, it } from "vitest";
import { openRecords } from "./record-store.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "atelier-records-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

it("finds after a restart what was put and not deleted, whatever the keys", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(fc.string(), fc.option(fc.integer(), { nil: undefined }))), async (steps) => {
      const place = await mkdtemp(path.join(folder, "run-"));
      const records = await openRecords<{ number: number }>(place);
      const expected = new Map<string, { number: number }>();
      for (const [key, number] of steps) {
        if (number === undefined) {
          void records.delete(key);
          expected.delete(key);
        } else {
          void records.put(key, { number });
          expected.set(key, { number });
        }
      }
      await records.settled();
      const reopened = await openRecords<{ number: number }>(place);
      expect(new Map([...reopened.values].sort())).toEqual(new Map([...expected].sort()));
    }),
    { numRuns: 25 },
  );
});

it("drops a half-written file and keeps the whole one", async () => {
  const records = await openRecords<string>(folder);
  await records.put("a", "whole");
  await writeFile(path.join(folder, "a.json.tmp"), '{"key":"a","val');
  const reopened = await openRecords<string>(folder);
  expect(reopened.get("a")).toBe("whole");
  expect(await readdir(folder)).toEqual(["a.json"]);
});

it("passes over an empty file, which a loss of power can leave", async () => {
  await writeFile(path.join(folder, "c.json"), "");
  const records = await openRecords<number>(folder, { isDurable: false });
  expect(records.values.size).toBe(0);
  await records.put("c", 1);
  expect((await openRecords<number>(folder)).get("c")).toBe(1);
});

it("names a file that is not readable, instead of going on without it", async () => {
  await writeFile(path.join(folder, "b.json"), "not JSON");
  await expect(openRecords(folder)).rejects.toThrow(/b\.json is not readable/);
});

it("keeps records in memory without a folder", async () => {
  const records = await openRecords<number>(undefined);
  await records.put("a", 1);
  expect(records.get("a")).toBe(1);
});
