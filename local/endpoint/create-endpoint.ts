import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { ApiRequest, ApiResponse, Logger, Service } from "../service.ts";
import type { AccessKeys, Principal } from "./access-keys.ts";
import { ApiError, toApiError } from "./api-error.ts";
import { jsonError } from "./json-protocol.ts";
import { readBody } from "./read-body.ts";
import { readSignatureScope, type SignatureScope } from "./read-signature.ts";
import { s3Error } from "./rest-xml.ts";

/** Longer than any request that the modelled services take (a Lambda payload is 6 MB). */
const maxBodyBytes = 64 * 1024 * 1024;

export interface EndpointDependencies {
  readonly log: Logger;
  readonly keys: AccessKeys;
  /** `iam.check`. */
  check(roleArn: string, action: string, resource: string): string;
}

/** Requests that carry no signature, by path: the custom resources' `ResponseURL`s. */
export interface UnsignedRoute {
  readonly prefix: string;
  handle(request: ApiRequest): Promise<ApiResponse>;
}

/** The one address of all AWS APIs: the signature's scope says which service is meant, and by whom it is called. */
export interface Endpoint {
  /** `http://127.0.0.1:<port>`; known after `listen`. */
  readonly url: string;
  serve(service: Service): void;
  serveUnsigned(route: UnsignedRoute): void;
  /** Answers one request without a socket, as a runtime in the same process does. */
  answer(request: Omit<ApiRequest, "service">): Promise<ApiResponse>;
  listen(): Promise<void>;
  close(): Promise<void>;
}

export function createEndpoint(dependencies: EndpointDependencies): Endpoint {
  const { log, keys } = dependencies;
  const services = new Map<string, Service>();
  const unsigned: UnsignedRoute[] = [];
  const reported = new Set<string>();
  const server = createServer((request, response) => void serveHttp(request, response));
  // Workers keep their connections for as long as they idle; closing them early would race with their next request.
  server.keepAliveTimeout = 10 * 60_000;
  // Of a cloud that does not listen: nobody can connect there.
  let url = "http://127.0.0.1:1";

  async function serveHttp(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let answer: ApiResponse;
    try {
      answer = await answerRequest(await readRequest(request));
    } catch (thrown) {
      answer = jsonError(toApiError(thrown));
    }
    const body = Buffer.from(answer.body);
    response.writeHead(answer.status, { "content-length": body.length, ...answer.headers });
    response.end(request.method === "HEAD" ? undefined : body);
  }

  async function answerRequest(request: Omit<ApiRequest, "service">): Promise<ApiResponse> {
    const route = unsigned.find(({ prefix }) => request.path.startsWith(prefix));
    if (route !== undefined) return route.handle({ ...request, service: "" });
    const scope = readSignatureScope(request.headers.authorization, request.query);
    const principal = scope && keys.find(scope.accessKeyId);
    if (scope === undefined || principal === undefined) return refuse(scope);
    const service = services.get(scope.service);
    const signed = { ...request, service: scope.service };
    if (service?.api === undefined) {
      log.error(`${principal.name} calls ${scope.service}, which is not modelled by the embedded cloud`);
      return jsonError(
        new ApiError("UnknownServiceException", `${scope.service} is not modelled by the embedded cloud`, 404),
      );
    }
    checkGrants(service, signed, principal);
    try {
      return await service.api.handle(signed);
    } catch (thrown) {
      const error = toApiError(thrown);
      if (error.status >= 500)
        log.error(`${scope.service} failed`, { error: String((thrown as Error)?.stack ?? thrown) });
      return scope.service === "s3" ? s3Error(error) : jsonError(error);
    }
  }

  /** A missing grant would be an AccessDenied on AWS; here it is said in the log, once, and the call goes through. */
  function checkGrants(service: Service, request: ApiRequest, principal: Principal): void {
    let needed: readonly { action: string; resource: string }[] = [];
    try {
      needed = service.permissions?.(request) ?? [];
    } catch {
      // A request that cannot be read is refused by its service, in that service's words.
    }
    for (const { action, resource } of needed) {
      const verdict =
        principal.roleArn === undefined ? "not granted" : dependencies.check(principal.roleArn, action, resource);
      const key = `${principal.logicalId} ${action} ${resource}`;
      if (verdict === "allowed" || reported.has(key)) continue;
      reported.add(key);
      log.error(
        `missing grant: ${principal.name} calls ${action} on ${resource}, which is ${verdict} in the template`,
        {
          function: principal.name,
          action,
          resource,
          logicalId: principal.logicalId,
        },
      );
    }
  }

  return {
    get url() {
      return url;
    },
    serve(service) {
      if (service.api !== undefined) services.set(service.api.signingName, service);
    },
    serveUnsigned: (route) => void unsigned.push(route),
    answer: answerRequest,
    listen: () =>
      new Promise((resolve, reject) => {
        server.once("error", reject);
        server.listen(0, "127.0.0.1", () => {
          url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
          resolve();
        });
      }),
    close: () =>
      new Promise((resolve) => {
        if (!server.listening) return resolve();
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function refuse(scope: SignatureScope | undefined): ApiResponse {
  const message =
    scope === undefined ? "The request is not signed" : "The security token included in the request is invalid";
  const error = new ApiError("UnrecognizedClientException", message, 403);
  return scope?.service === "s3" ? s3Error(new ApiError("InvalidAccessKeyId", message, 403)) : jsonError(error);
}

async function readRequest(request: IncomingMessage): Promise<Omit<ApiRequest, "service">> {
  const [path = "/", search = ""] = splitOnce(request.url ?? "/", "?");
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.headers)) {
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(", ") : value;
  }
  const body = await readBody(request, maxBodyBytes);
  return { method: request.method ?? "GET", path, query: new URLSearchParams(search), headers, body };
}

function splitOnce(text: string, separator: string): string[] {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + separator.length)];
}
