/** The repositories that tests across folders open, behind a real `git http-backend`. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRepository, type GitServer, startGitServer } from "./git-server.ts";

export const SHOP = { "README.md": "# Shop\n", "src/app.ts": "export const answer = 42;\n" };

/** `acme/shop.git` (branch `main`, and `feature/cart`) and `acme/empty.git`. */
export async function serveShop(auth?: { username: string; password: string }): Promise<GitServer> {
  const root = await mkdtemp(join(tmpdir(), "atelier-git-"));
  await createRepository(root, "acme/shop.git", {
    branches: { main: SHOP, "feature/cart": { ...SHOP, "src/cart.ts": "" } },
  });
  await createRepository(root, "acme/empty.git");
  const server = await startGitServer({ root, ...(auth ? { auth } : {}) });
  return {
    url: server.url,
    stop: async () => {
      await server.stop();
      await rm(root, { recursive: true, force: true });
    },
  };
}
