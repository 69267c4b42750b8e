import { rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { callJson, temporaryFolder, testContext } from "../test-context.ts";
import { createSsm } from "./create-ssm.ts";

it("keeps SecureStrings across restarts in a file that only its owner reads", async () => {
  const folder = temporaryFolder();
  const put = { Name: "/a/key", Value: "secret", Type: "SecureString" };
  await callJson(createSsm(testContext({ stateDirectory: folder })), "PutParameter", put);
  expect(statSync(join(folder, "parameters.json")).mode & 0o777).toBe(0o600);
  const ssm = createSsm(testContext({ stateDirectory: folder }));
  const read = await callJson(ssm, "GetParameter", { Name: "/a/key", WithDecryption: true });
  expect(read.body.Parameter).toMatchObject({ Value: "secret", Version: 1 });
  const encrypted = await callJson(ssm, "GetParameter", { Name: "/a/key" });
  expect(encrypted.body.Parameter.Value).not.toContain("secret");
  rmSync(folder, { recursive: true });
});

it("overwrites only when asked to, and answers with AWS's errors", async () => {
  const ssm = createSsm(testContext());
  const put = { Name: "k", Value: "1", Type: "String" };
  expect((await callJson(ssm, "PutParameter", put)).body).toMatchObject({ Version: 1 });
  expect((await callJson(ssm, "PutParameter", put)).body.__type).toBe("ParameterAlreadyExists");
  expect((await callJson(ssm, "PutParameter", { ...put, Overwrite: true })).body).toMatchObject({ Version: 2 });
  await callJson(ssm, "DeleteParameter", { Name: "k" });
  expect((await callJson(ssm, "GetParameter", { Name: "k" })).body.__type).toBe("ParameterNotFound");
});
