/** Calls of functions to AWS, as they stand in a request. */
import type { FunctionDefinition } from "#local/lambda/function-definition.ts";
import type { IncomingAnswer, OutgoingRequest } from "./http-modules.ts";
import { shortName } from "./in-process-runtime.ts";

/** Takes what custom resources answer. */
export const CLOUDFORMATION_HOST = "cloudformation.example.com";

/** As AWS refuses, in each of its protocols. */
export function failure(status: number, code: string): IncomingAnswer {
  const headers = {
    "content-type": "application/x-amz-json-1.0",
    "x-amzn-errortype": code,
    "x-amzn-query-error": `${code};Sender`,
  };
  return { status, headers, body: JSON.stringify({ __type: code, message: "Rate exceeded" }) };
}

/** Which operation of which service a call of a function asks for. */
export function describeCall({ headers, method, path }: OutgoingRequest): { service: string; operation: string } {
  const [, service = "git"] = /Credential=[^/]+\/\d+\/[^/]+\/([^/]+)\//.exec(headers.authorization ?? "") ?? [];
  const target = headers["x-amz-target"]?.split(".").at(-1);
  const place = path.replace(/\?.*/, "").replace(/fsap-\w+|@connections.*/, "*");
  return { service, operation: target ?? (service === "ec2" ? "DescribeNetworkInterfaces" : `${method} ${place}`) };
}

/** The key of this run of the cloud, in place of the constant one that functions sign with. */
export function signedBy({ environment, name }: FunctionDefinition, authorization: string): string {
  return authorization.replace(`AKIA${shortName(name)}/`, `${environment.AWS_ACCESS_KEY_ID}/`);
}

/** A request that leaves the history. */
export async function forward(
  origin: string,
  { method, path, headers, body }: OutgoingRequest,
): Promise<IncomingAnswer> {
  const content = body.length > 0 ? { body: new Uint8Array(body) } : {};
  const answer = await fetch(`${origin}${path}`, { method, headers, redirect: "manual", ...content });
  const type = answer.headers.get("content-type") ?? "";
  return { status: answer.status, headers: { "content-type": type }, body: await answer.text() };
}
