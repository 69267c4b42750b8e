import { afterAll, beforeAll } from "vitest";
import type { GitServer } from "./git-server.ts";
import { serveShop } from "./shop-repository.ts";
import { type RunningAtelier, removeHome, startAtelier } from "./start-atelier.ts";

/** What the tests of a file run against. */
export interface Stage {
  /** `npm start` with a state folder of its own. Whoever ends it puts another one here. */
  atelier: RunningAtelier;
  /** Serves `acme/shop` and the other repositories of `serveShop`. */
  git: GitServer;
}

/** Called at the top of a file: all is there before its own `beforeAll`, and ends after its own `afterAll`. */
export function useAtelier(): Stage {
  const stage = {} as Stage;
  beforeAll(async () => {
    stage.git = await serveShop();
    stage.atelier = await startAtelier();
  });
  afterAll(async () => {
    await stage.atelier?.stop();
    await stage.git?.stop();
    if (stage.atelier) await removeHome(stage.atelier.home);
  });
  return stage;
}
