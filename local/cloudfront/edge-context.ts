/**
 * The source that runs first inside a function's context. It takes `host` away and leaves what `cloudfront-js-2.0` has. Everything is built
 * of the context's own promises and functions: so a whole `async` handler ends within one evaluation, under one time limit.
 */
export const CONTEXT_SOURCE = `"use strict";
(() => {
  const host = globalThis.host;
  delete globalThis.host;
  const { now, log, hash, hasStore, get, count, updateOrigin, settle } = host;
  const RealDate = Date;
  let frozen = 0;
  globalThis.Date = class Date extends RealDate {
    constructor(...parts) { if (parts.length === 0) super(frozen || now()); else super(...parts); }
    static now() { return frozen || now(); }
  };
  const print = (...values) => log(values.map((v) => (typeof v === "string" ? v : JSON.stringify(v))).join(" "));
  globalThis.console = { log: print, error: print };
  for (const name of ["WebAssembly", "SharedArrayBuffer", "Atomics"]) delete globalThis[name];

  const ALGORITHMS = ["md5", "sha1", "sha256"];
  const ENCODINGS = ["hex", "base64", "base64url"];
  const digester = (algorithm, key) => {
    if (!ALGORITHMS.includes(algorithm)) throw new TypeError("not supported algorithm: " + algorithm);
    const chunks = [];
    let done = false;
    return {
      update(data) {
        if (done) throw new TypeError("Digest already called");
        chunks.push(data);
        return this;
      },
      digest(encoding) {
        if (done) throw new TypeError("Digest already called");
        if (encoding !== undefined && !ENCODINGS.includes(encoding)) throw new TypeError("Unknown digest encoding: " + encoding);
        done = true;
        const bytes = hash(algorithm, key, chunks);
        return encoding === undefined ? bytes : bytes.toString(encoding);
      },
    };
  };
  const crypto = {
    createHash: (algorithm) => digester(algorithm, undefined),
    createHmac: (algorithm, key) => {
      if (key === undefined) throw new TypeError("key is required");
      return digester(algorithm, key);
    },
  };

  const kvs = () => {
    if (!hasStore()) throw new Error("No key value store is associated with this function");
    return {
      async get(key, options) {
        const text = get(String(key));
        if (text === undefined) throw new Error("KeyNotFound");
        const format = (options && options.format) || "string";
        if (format === "json") return JSON.parse(text);
        if (format === "bytes") return Buffer.from(text);
        return text;
      },
      async exists(key) { return get(String(key)) !== undefined; },
      async count() { return count(); },
    };
  };
  const cf = {
    kvs,
    updateRequestOrigin(options) {
      const problem = updateOrigin(JSON.stringify(options === undefined ? null : options));
      if (problem !== undefined) throw new Error(problem);
    },
  };

  globalThis.__require = (name) => {
    if (name === "crypto") return crypto;
    if (name === "cloudfront") return cf;
    throw new Error("Cannot load module \\"" + name + "\\": there are only cloudfront and crypto");
  };
  const rawQueryOf = (event) => event.request.__rawQueryString;
  globalThis.__run = () => {
    frozen = now();
    const event = JSON.parse(globalThis.__event);
    const raw = rawQueryOf(event);
    delete event.request.__rawQueryString;
    Object.defineProperty(event.request, "rawQueryString", { value: () => raw, enumerable: false });
    const fail = (error) => settle(String((error && error.message) || error), undefined);
    (async () => globalThis.__program(globalThis.__require)(event))().then((value) => settle(undefined, JSON.stringify(value)), fail);
  };
})();`;
