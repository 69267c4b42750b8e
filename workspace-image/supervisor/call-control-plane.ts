/** Calls up: JSON-RPC by `POST <endpoint>/rpc`, repeated until it is answered. */
import http from "node:http";
import https from "node:https";
import * as v from "valibot";
import { AtelierError } from "#protocol/errors.ts";
import { type ErrorBody, errorOf } from "#protocol/json-rpc.ts";
import { METHODS, type MethodName, type ParamsOf, type ResultOf } from "#protocol/methods/index.ts";
import { type Chance, type Clock, pause } from "./clock.ts";

export type InstanceMethod = Extract<MethodName, `instance.${string}`>;

const TIMEOUT_MS = 10_000;
const FIRST_PAUSE_MS = 100;
/** A control plane that comes back is found within this time, and 5,000 supervisors do not fall upon it at once. */
const LONGEST_PAUSE_MS = 10_000;
const MAX_ANSWER_BYTES = 1_000_000;

export interface ControlPlaneOptions {
  readonly endpoint: string;
  readonly clock: Clock;
  readonly chance: Chance;
  /** Called once for each failed attempt, with words for a log. */
  readonly onTrouble?: (what: string) => void;
}

/** One for the life of a supervisor; keeps connections open. */
export class ControlPlane {
  readonly #options: ControlPlaneOptions;
  readonly #agent: http.Agent;
  /** `<instance id>.<secret>`, once hello was said. */
  bearer: string | undefined;
  #lastId = 0;

  constructor(options: ControlPlaneOptions) {
    this.#options = options;
    const keep = { keepAlive: true, keepAliveMsecs: 30_000, maxSockets: 8 };
    this.#agent = options.endpoint.startsWith("https:") ? new https.Agent(keep) : new http.Agent(keep);
  }

  /**
   * @param params or what makes them anew for each attempt, so that a repeated call can say the newest
   * @throws AtelierError when the answer says that repeating is of no use; the signal's reason when it aborts
   */
  async call<M extends InstanceMethod>(
    method: M,
    params: ParamsOf<M> | (() => ParamsOf<M>),
    signal?: AbortSignal,
  ): Promise<ResultOf<M>> {
    for (let attempt = 0; ; attempt += 1) {
      signal?.throwIfAborted();
      try {
        const now = typeof params === "function" ? (params as () => ParamsOf<M>)() : params;
        return await this.#once(method, now, signal);
      } catch (error) {
        signal?.throwIfAborted();
        if (error instanceof AtelierError && !error.retry) throw error;
        this.#options.onTrouble?.(`${method}: ${error instanceof Error ? error.message : String(error)}`);
      }
      const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** attempt);
      await pause(this.#options.clock, longest * (0.5 + this.#options.chance() / 2), signal);
    }
  }

  /** Closes the connections that are idle. */
  close(): void {
    this.#agent.destroy();
  }

  async #once<M extends InstanceMethod>(method: M, params: ParamsOf<M>, signal?: AbortSignal): Promise<ResultOf<M>> {
    this.#lastId += 1;
    const text = await this.#post(JSON.stringify({ jsonrpc: "2.0", id: this.#lastId, method, params }), signal);
    let answer: { result?: unknown; error?: ErrorBody };
    try {
      answer = JSON.parse(text);
    } catch (cause) {
      throw new Error("The control plane's answer is not JSON.", { cause });
    }
    if (answer.error) throw errorOf(answer.error);
    return v.parse(METHODS[method].result as v.GenericSchema<unknown, ResultOf<M>>, answer.result);
  }

  #post(body: string, signal: AbortSignal | undefined): Promise<string> {
    const url = new URL("/rpc", this.#options.endpoint);
    const { request } = url.protocol === "https:" ? https : http;
    return new Promise((resolve, reject) => {
      const outgoing = request(
        url,
        {
          method: "POST",
          agent: this.#agent,
          ...(signal ? { signal } : {}),
          headers: {
            "content-type": "application/json",
            "content-length": Buffer.byteLength(body),
            ...(this.bearer ? { authorization: `Bearer ${this.bearer}` } : {}),
          },
        },
        (incoming) => {
          const parts: Buffer[] = [];
          let size = 0;
          incoming.on("data", (part: Buffer) => {
            size += part.length;
            if (size > MAX_ANSWER_BYTES) return outgoing.destroy(new Error("The control plane's answer is too long."));
            parts.push(part);
          });
          incoming.on("error", reject);
          incoming.on("end", () => {
            const isJson = /^application\/json\b/.test(incoming.headers["content-type"] ?? "");
            if (isJson) resolve(Buffer.concat(parts).toString("utf8"));
            else reject(new Error(`The control plane answered ${incoming.statusCode}.`));
          });
        },
      );
      const timer = this.#options.clock.setTimeout(
        () => outgoing.destroy(new Error(`No answer within ${TIMEOUT_MS / 1_000} s.`)),
        TIMEOUT_MS,
      );
      outgoing.on("close", () => timer.cancel());
      outgoing.on("error", reject);
      outgoing.end(body);
    });
  }
}
