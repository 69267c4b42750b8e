import { rmSync } from "node:fs";
import { createServer } from "node:net";
import { expect, it } from "vitest";
import { temporaryFolder, testContext } from "../test-context.ts";
import { createOidcProvider } from "./create-oidc-provider.ts";
import { startRememberedProvider } from "./remember-issuer.ts";

it("stays at its address from one start to the next, and says who has taken its port meanwhile", async () => {
  const context = testContext({ stateDirectory: temporaryFolder() });
  const start = () =>
    startRememberedProvider(context, 0, (port) =>
      createOidcProvider(context, {
        port,
        redirectUris: ["http://localhost:1/x"],
        clientId: "c",
        clientSecret: "s".repeat(43),
      }),
    );
  const first = await start();
  await first.stop();
  const second = await start();
  expect(second.issuer).toBe(first.issuer);
  await second.stop();

  const port = Number(new URL(first.issuer).port);
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(port, "127.0.0.1", resolve));
  await expect(start()).rejects.toThrow(
    new RegExp(`Port ${port}, where people sign in, is taken by .*process ${process.pid}`),
  );
  await new Promise((resolve) => other.close(resolve));
  rmSync(context.stateDirectory as string, { recursive: true });
});
