/**
 * The key-value store's client puts the account id before whatever endpoint it is given: `http://localhost:4566` becomes
 * `http://111122223333.localhost:4566`, and neither option nor variable stops it. Browsers take every `*.localhost` to loopback
 * (RFC 6761); Node asks the system, which mostly says that there is no such name. This is the embedded cloud's DNS for one thread:
 * call it before any SDK client connects, and give `http://localhost:<port>` as `AWS_ENDPOINT_URL_CLOUDFRONT_KEYVALUESTORE`.
 *
 * Imports nothing but Node, so that it can be loaded first in a worker (`--import`).
 */
import dns, { type LookupOptions } from "node:dns";

type Lookup = (hostname: string, options: LookupOptions | number | Callback, callback?: Callback) => void;
type Callback = (error: NodeJS.ErrnoException | null, address: unknown, family?: number) => void;

/** @returns what takes it back */
export function answerAccountHosts(): () => void {
  const original = dns.lookup;
  const lookup: Lookup = (hostname, options, callback) => {
    const name = /(^|\.)localhost\.?$/i.test(hostname) ? "localhost" : hostname;
    (original as unknown as Lookup)(name, options, callback);
  };
  dns.lookup = lookup as typeof dns.lookup;
  return () => {
    dns.lookup = original;
  };
}
