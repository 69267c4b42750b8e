import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { realClock, realRandom } from "./clock.ts";
import type { Level } from "./log.ts";
import type { ApiRequest, Service, ServiceContext } from "./service.ts";

/** For tests: a service's context, in memory unless a folder is given, that keeps what was logged. */
export interface TestContext extends ServiceContext {
  readonly lines: { level: Level; message: string; fields: Record<string, unknown> }[];
  /** Messages of warnings and errors. */
  complaints(): string[];
}

export function testContext(overrides: Partial<ServiceContext> = {}): TestContext {
  const lines: TestContext["lines"] = [];
  const write =
    (level: Level) =>
    (message: string, fields: Record<string, unknown> = {}): void =>
      void lines.push({ level, message, fields });
  return {
    clock: realClock,
    random: realRandom,
    log: { info: write("info"), warn: write("warn"), error: write("error") },
    stateDirectory: undefined,
    region: "us-east-1",
    accountId: "000000000000",
    ...overrides,
    lines,
    complaints: () => lines.filter(({ level }) => level !== "info").map(({ message }) => message),
  };
}

export function temporaryFolder(): string {
  return mkdtempSync(join(tmpdir(), "local-"));
}

/** Calls an operation of an AWS JSON service as its SDK client does. */
export async function callJson(
  service: Service,
  operation: string,
  input: unknown,
  // biome-ignore lint/suspicious/noExplicitAny: each test knows what its operation answers.
): Promise<{ status: number; body: any }> {
  const request: ApiRequest = {
    service: service.api?.signingName ?? "",
    method: "POST",
    path: "/",
    query: new URLSearchParams(),
    headers: { "x-amz-target": `Service.${operation}`, "content-type": "application/x-amz-json-1.0" },
    body: Buffer.from(JSON.stringify(input)),
  };
  const response = await service.api?.handle(request);
  if (response === undefined) throw new Error(`${service.name} has no API`);
  return { status: response.status, body: JSON.parse(response.body.toString()) };
}

/** Resolves once `fact` is true. @throws Error that names what was waited for, after `deadlineMs` */
export async function until(what: string, fact: () => boolean, deadlineMs = 5000): Promise<void> {
  const end = Date.now() + deadlineMs;
  while (!fact()) {
    if (Date.now() > end) throw new Error(`it did not come about within ${deadlineMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
