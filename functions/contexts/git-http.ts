/** HTTP as far as asking a Git server needs it: bounded in time, size and redirects, and in where it may go. */
import { type LookupAddress, type LookupAllOptions, lookup } from "node:dns";
import http from "node:http";
import https from "node:https";
import { isIP } from "node:net";
import { isPrivateAddress } from "./private-address.ts";

export interface GitHttpOptions {
  /** Ends everything. */
  signal: AbortSignal;
  /** Refuses to connect to private addresses, whatever name they have and whatever redirects there. */
  refusePrivate: boolean;
  /** Sent to the first origin only. */
  authorization?: string;
}

export interface GitAnswer {
  status: number;
  contentType: string;
  /** Where the answer came from, after redirects. */
  url: URL;
  body: Buffer;
}

/** The request would go to a private address. */
export class PrivateHostError extends Error {}
/** The answer is larger than any list of refs. */
export class AnswerTooLargeError extends Error {}

const MAX_REDIRECTS = 5;
const MAX_BODY_BYTES = 32 * 1024 * 1024;
/** Some hosts answer pages to browsers and Git to Git. */
const USER_AGENT = "git/2.47.0 (atelier)";

export async function gitGet(url: URL, headers: Record<string, string>, options: GitHttpOptions): Promise<GitAnswer> {
  let at = url;
  for (let redirects = 0; ; redirects += 1) {
    const { answer, location } = await send("GET", at, headers, options, url.origin);
    const next = location === undefined ? null : URL.parse(location, at);
    if (!next || redirects === MAX_REDIRECTS || !/^https?:$/.test(next.protocol)) return answer;
    at = next;
  }
}

/** Redirects are not followed: what has answered the GET answers this. */
export async function gitPost(
  url: URL,
  headers: Record<string, string>,
  body: string,
  options: GitHttpOptions,
): Promise<GitAnswer> {
  const { answer } = await send("POST", url, headers, options, url.origin, body);
  return answer;
}

function send(
  method: string,
  url: URL,
  headers: Record<string, string>,
  { signal, refusePrivate, authorization }: GitHttpOptions,
  trustedOrigin: string,
  body?: string,
): Promise<{ answer: GitAnswer; location: string | undefined }> {
  const address = url.hostname.replace(/^\[|\]$/g, "");
  if (refusePrivate && isIP(address) !== 0 && isPrivateAddress(address)) {
    return Promise.reject(new PrivateHostError(`${url.hostname} is a private address.`));
  }
  const client = url.protocol === "https:" ? https : http;
  return new Promise((resolve, reject) => {
    const request = client.request(
      url,
      {
        method,
        signal,
        headers: {
          "user-agent": USER_AGENT,
          ...(authorization !== undefined && url.origin === trustedOrigin ? { authorization } : {}),
          ...headers,
        },
        ...(refusePrivate ? { lookup: lookupPublic } : {}),
      },
      (response) => {
        const chunks: Buffer[] = [];
        let size = 0;
        response.on("data", (chunk: Buffer) => {
          size += chunk.length;
          if (size > MAX_BODY_BYTES) request.destroy(new AnswerTooLargeError("The answer is too large."));
          else chunks.push(chunk);
        });
        response.on("error", reject);
        response.on("end", () => {
          const { statusCode: status = 0, headers: answered } = response;
          const answer = { status, contentType: answered["content-type"] ?? "", url, body: Buffer.concat(chunks) };
          resolve({ answer, location: status >= 300 && status < 400 ? answered.location : undefined });
        });
      },
    );
    request.on("error", reject);
    request.end(body);
  });
}

/** Checks the very addresses that the connection is then made to, so that a name cannot change between check and use. */
function lookupPublic(
  hostname: string,
  options: object,
  done: (error: Error | null, address: string | LookupAddress[], family?: number) => void,
): void {
  const all: LookupAllOptions = { ...options, all: true };
  lookup(hostname, all, (error, addresses) => {
    if (error) return done(error, []);
    const inside = addresses.find(({ address }) => isPrivateAddress(address));
    const [first] = addresses;
    if (inside || !first) return done(new PrivateHostError(`${hostname} is at a private address.`), []);
    if ("all" in options && options.all) return done(null, addresses);
    return done(null, first.address, first.family);
  });
}
