import type { Engine } from "../engine.ts";
import { createProcessEngine, type ProcessEngineOptions } from "./process/create-process-engine.ts";

/** Makes the engine that `ATELIER_ENGINE` names. @throws Error that says which there are */
export async function selectEngine(name: string | undefined, options: ProcessEngineOptions): Promise<Engine> {
  switch (name ?? "auto") {
    case "auto":
    case "process":
      return createProcessEngine(options);
    case "docker":
    case "podman":
      throw new Error(
        `ATELIER_ENGINE=${name}: containers come in a later version. Leave it out, or set it to "process".`,
      );
    default:
      throw new Error(`ATELIER_ENGINE=${name} is not an engine. Set it to "auto" or "process".`);
  }
}
