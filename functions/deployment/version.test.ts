import { expect, it } from "vitest";
import type { HttpEvent } from "#functions/runtime/aws-events.ts";
import { handler } from "./version.ts";

it("says what runs and how one signs in", async () => {
  Object.assign(process.env, { OIDC_PROVIDER: "local", OIDC_PROVIDER_NAME: "this computer", RELEASE: "abc" });
  const answer = await handler({ routeKey: "GET /version", requestContext: { requestId: "r" } } as HttpEvent);
  expect(JSON.parse(answer.body ?? "")).toEqual({
    version: expect.stringMatching(/^\d+\.\d+\.\d+/),
    protocolVersion: 1,
    release: "abc",
    providers: [{ id: "local", name: "this computer" }],
  });
});
