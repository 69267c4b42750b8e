import { expect, it } from "vitest";
import type { ProcessEngineOptions } from "./process/create-process-engine.ts";
import { selectEngine } from "./select-engine.ts";

it.each([
  ["docker", /containers come in a later version/],
  ["podman", /containers come in a later version/],
  ["dokcer", /is not an engine. Set it to "auto" or "process"/],
])("refuses %s and says what to set", async (name, message) => {
  await expect(selectEngine(name, {} as ProcessEngineOptions)).rejects.toThrow(message);
});
