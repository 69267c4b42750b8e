/**
 * For tests: SSM parameters in memory, with a root key and the OpenID client's secret. Sets the environment, so call it before
 * the first request: `const parameters = await startTestParameters()` in `beforeAll`.
 */
import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

export interface TestParameters {
  readonly values: Map<string, string>;
  stop(): Promise<void>;
}

export async function startTestParameters(): Promise<TestParameters> {
  process.env.ROOT_KEY_PARAMETER ??= "/atelier/root-key";
  process.env.OIDC_CLIENT_SECRET_PARAMETER ??= "/atelier/oidc-client-secret";
  process.env.AWS_REGION ??= "us-east-1";
  process.env.AWS_ACCESS_KEY_ID ??= "test";
  process.env.AWS_SECRET_ACCESS_KEY ??= "test";
  process.env.LOG_LEVEL ??= "off";
  const values = new Map([
    [
      process.env.ROOT_KEY_PARAMETER,
      JSON.stringify({ current: { id: "1", secret: randomBytes(32).toString("base64url") } }),
    ],
    [process.env.OIDC_CLIENT_SECRET_PARAMETER, randomBytes(32).toString("base64url")],
  ]);
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const input = JSON.parse(Buffer.concat(chunks).toString()) as { Name: string; Value?: string; Overwrite?: boolean };
    const operation = String(request.headers["x-amz-target"]).split(".")[1];
    const answer = (status: number, body: unknown) => {
      response.writeHead(status, { "content-type": "application/x-amz-json-1.1" }).end(JSON.stringify(body));
    };
    if (operation === "PutParameter" && input.Value !== undefined) {
      if (values.has(input.Name) && !input.Overwrite) return answer(400, { __type: "ParameterAlreadyExists" });
      values.set(input.Name, input.Value);
      return answer(200, { Version: 1 });
    }
    const value = values.get(input.Name);
    if (value === undefined) return answer(400, { __type: "ParameterNotFound" });
    return answer(200, { Parameter: { Name: input.Name, Value: value, Type: "SecureString" } });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  process.env.AWS_ENDPOINT_URL_SSM = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    values,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
