/** A supervisor's gate, as `workspace-image/supervisor/serve-gate.ts` decides, without an IDE behind it. */

import { parseHostLabel, parseInstanceId } from "#protocol/ids.ts";
import type { ResultOf } from "#protocol/methods/index.ts";
import { TokenCheck } from "../../workspace-image/supervisor/check-token.ts";
import { routeCookie } from "../../workspace-image/supervisor/route-cookies.ts";
import { takeTicket } from "../../workspace-image/supervisor/serve-gate.ts";
import { HOST_SUFFIX } from "./origins.ts";

/** What comes from the edge. */
export interface GateRequest {
  readonly host: string;
  readonly path: string;
  readonly token: string | undefined;
}
export interface GateAnswer {
  /** 200: it is let in. 303: a ticket was taken, and the cookie is the proof from now on. */
  readonly status: 200 | 303 | 401 | 503;
  readonly location?: string;
  readonly cookie?: string;
}

type Redeem = (params: { ticket: string; host: string }) => Promise<ResultOf<"instance.redeem">>;

export class Gate {
  readonly #workspaceId: string;
  readonly #tokens: TokenCheck;
  readonly #redeem: Redeem;

  constructor(instanceId: string, routeKeys: Readonly<Record<string, string>>, redeem: Redeem) {
    this.#workspaceId = parseInstanceId(instanceId)?.workspaceId ?? "";
    this.#tokens = new TokenCheck(routeKeys, instanceId);
    this.#redeem = redeem;
  }

  async answer({ host, path: target, token }: GateRequest, now: number): Promise<GateAnswer> {
    const place = host.endsWith(HOST_SUFFIX) ? parseHostLabel(host.slice(0, -HOST_SUFFIX.length)) : undefined;
    if (place?.workspaceId !== this.#workspaceId) return { status: 401 };
    const { ticket, path } = takeTicket(target);
    if (ticket === undefined) return { status: this.#tokens.isGood(token, host, now) ? 200 : 401 };
    try {
      return {
        status: 303,
        location: `http://${host}${path}`,
        cookie: routeCookie(await this.#redeem({ ticket, host })),
      };
    } catch {
      return { status: 401 };
    }
  }
}
