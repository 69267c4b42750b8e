import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findProcessImage, repositoryOf } from "./process-image.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "atelier-image-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function file(content: unknown): Promise<string> {
  const name = path.join(folder, `${Math.random()}.json`);
  await writeFile(name, typeof content === "string" ? content : JSON.stringify(content));
  return name;
}

// biome-ignore-start lint/suspicious/noTemplateCurlyInString: placeholders of the image file
const image = {
  repository: "atelier/workspace",
  entrypoint: ["${NODE}", "${ROOT}/supervisor.mjs"],
  environment: { ATELIER_IDE: "${IDE}", LANG: "C.UTF-8" },
  scratch: "/scratch",
};
// biome-ignore-end lint/suspicious/noTemplateCurlyInString: placeholders of the image file
const placeholders = { NODE: "/bin/node", ROOT: "/atelier", IDE: "/cache/ide" };

describe("an image reference", () => {
  it.each([
    ["atelier/workspace", "atelier/workspace"],
    ["localhost:5000/a/b:latest", "localhost:5000/a/b"],
    ["localhost:5000/a/b", "localhost:5000/a/b"],
    ["host/a/b:1@sha256:00ff", "host/a/b"],
  ])("%s is of the repository %s", (reference, repository) => {
    expect(repositoryOf(reference)).toBe(repository);
  });
});

it("fills in the placeholders of the image that the reference ends with", async () => {
  const reference = "111122223333.dkr.ecr.us-east-1.amazonaws.com/atelier/workspace:latest";
  expect(await findProcessImage(await file(image), reference, placeholders)).toEqual({
    repository: "atelier/workspace",
    entrypoint: ["/bin/node", "/atelier/supervisor.mjs"],
    environment: { ATELIER_IDE: "/cache/ide", LANG: "C.UTF-8" },
    scratch: "/scratch",
  });
});

it.each([
  ["another repository", image, "x/my-atelier/workspace:1", /knows no image x\/my-atelier\/workspace:1/],
  ["a file that is no JSON", "{", "atelier/workspace", /cannot be read/],
  ["a file that describes nothing", { repository: "atelier/workspace" }, "atelier/workspace", /does not describe/],
])("says what is wrong with %s", async (_what, content, reference, message) => {
  const found = findProcessImage(await file(content), reference, placeholders);
  await expect(found).rejects.toMatchObject({
    code: "CannotPullContainerError",
    message: expect.stringMatching(message),
  });
});

it("names a placeholder that has no value", async () => {
  const found = findProcessImage(await file(image), "atelier/workspace", { NODE: "/bin/node", ROOT: "/" });
  // biome-ignore lint/suspicious/noTemplateCurlyInString: a placeholder of the image file
  await expect(found).rejects.toThrow("${IDE}");
});

it("says which file is missing", async () => {
  const found = findProcessImage(path.join(folder, "missing.json"), "atelier/workspace", placeholders);
  await expect(found).rejects.toThrow("missing.json");
});
