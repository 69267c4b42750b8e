import { createServer } from "node:http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { realClock } from "#local/clock.ts";
import { createOidcProvider, type OidcProvider } from "#local/oidc/create-oidc-provider.ts";
import type { Fault } from "./faults.ts";
import type { Answer } from "./network.ts";
import { DASHBOARD_ORIGIN } from "./origins.ts";
import { SeededRandom } from "./seeded-random.ts";
import { World } from "./world.ts";

const SECRET = "a secret of the one client that there is";
const CALLBACK = `${DASHBOARD_ORIGIN}/login/local/callback`;

let provider: OidcProvider;

beforeAll(async () => {
  const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const context = { clock: realClock, random: new SeededRandom("provider"), log: quiet, stateDirectory: undefined };
  provider = createOidcProvider(
    { ...context, region: "us-east-1", accountId: "000000000000", listens: true },
    { port: await freePort(), redirectUris: [CALLBACK], clientId: "atelier", clientSecret: SECRET },
  );
  await provider.start();
});
afterAll(() => provider.stop());

/** The port of the program's own provider stays free. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address ? address.port : 0;
}

/** A browser that signs in through the provider, in a cloud in which things go wrong. */
class SigningIn {
  readonly world: World;
  readonly #cookies = new Map<string, string>();

  constructor(faults: readonly Fault[]) {
    const nothing = (): void => undefined;
    const onSupervisor = { onSaved: nothing, onOpened: nothing, onIdentity: nothing };
    // The provider's tokens are of this moment. What was loaded for a seed serves it no second time: nothing is remembered.
    this.world = new World({ seed: "sign-in", faults, issuer: provider.issuer, now: Date.now(), onSupervisor });
  }

  async start(): Promise<void> {
    await this.world.start();
    this.world.cloud?.services.ssm.putSecret("/atelier/oidc-client-secret", SECRET);
  }

  /** @returns the URL with which the provider sends the browser back; `undefined` when that failed */
  async begin(name: string): Promise<string | undefined> {
    let { status, headers } = await this.get(`/login/local?login_hint=${name}`);
    const cookies = new Map<string, string>();
    for (let step = 0; status >= 300 && status < 400 && step < 8; step += 1) {
      const location = new URL(String(headers.location), provider.issuer);
      if (location.origin === DASHBOARD_ORIGIN) return `${location.pathname}${location.search}`;
      const cookie = [...cookies].map(([key, value]) => `${key}=${value}`).join("; ");
      const answer = await fetch(location, { redirect: "manual", headers: { cookie } });
      keep(cookies, answer.headers.getSetCookie());
      ({ status } = answer);
      headers = { location: answer.headers.get("location") ?? "" };
    }
    return undefined;
  }

  async get(url: string): Promise<Answer> {
    return (await this.#ask("GET", url, {})) ?? { status: 0, headers: {}, body: "" };
  }

  /** Who is signed in. */
  async me(): Promise<string | undefined> {
    const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "user.me", params: {} });
    const answer = await this.#ask(
      "POST",
      "/rpc",
      { "content-type": "application/json", origin: DASHBOARD_ORIGIN },
      body,
    );
    return (JSON.parse(answer?.body || "{}") as { result?: { name: string } }).result?.name;
  }

  async #ask(method: string, url: string, headers: Record<string, string>, body?: string): Promise<Answer | undefined> {
    const cookie = [...this.#cookies].map(([key, value]) => `${key}=${value}`).join("; ");
    let answer: Answer | undefined;
    let isOver = false;
    this.world.network.request(method, url, { ...headers, cookie }, body).then(
      (given) => {
        answer = given;
        isOver = true;
      },
      () => {
        isOver = true;
      },
    );
    await this.world.clock.runUntil(this.world.clock.now() + 60_000, () => isOver);
    keep(this.#cookies, [answer?.headers["set-cookie"] ?? []].flat() as string[]);
    return answer;
  }
}

function keep(cookies: Map<string, string>, given: readonly string[]): void {
  for (const line of given) {
    const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
    if (value === "" || /max-age=0/i.test(line)) cookies.delete(name);
    else cookies.set(name, value);
  }
}

const isSignedIn = ({ headers }: Answer): boolean =>
  JSON.stringify(headers["set-cookie"] ?? "").includes("atelier_session=");

describe("signing in", () => {
  it.for(["killed before a call", "killed after a call", "answer lost", "server error", "slow before"] as const)(
    "works when it is begun again, whichever call is %s",
    { timeout: 120_000 },
    async (name) => {
      let failures = 0;
      for (let nth = 0; nth < 9; nth += 1) {
        const ann = new SigningIn([{ occasion: "call", nth, name, ms: 8_000, times: 1 }]);
        await ann.start();
        const back = await ann.begin("ann");
        if (back !== undefined) await ann.get(back);
        if ((await ann.me()) === undefined) {
          failures += 1;
          // As the page of the error says.
          const again = await ann.begin("ann");
          await ann.get(again ?? "");
        }
        expect(await ann.me(), `${name} ${nth}`).toBe("ann");
        ann.world.end();
      }
      if (name.startsWith("killed")) expect(failures).toBeGreaterThan(4);
    },
  );

  it("opens one session for one answer of the provider, also when it comes twice", { timeout: 60_000 }, async () => {
    for (const isAtOnce of [true, false]) {
      const ann = new SigningIn([]);
      await ann.start();
      const back = (await ann.begin("ann")) ?? "";
      const first = ann.get(back);
      if (!isAtOnce) await first;
      const answers = [await ann.get(back), await first];
      expect(answers.filter(isSignedIn), `at once: ${isAtOnce}`).toHaveLength(1);
      expect(answers.find((answer) => !isSignedIn(answer))?.status).toBeGreaterThanOrEqual(400);
      expect(await ann.me()).toBe("ann");
      ann.world.end();
    }
  });

  it("gives nothing to a browser that did not begin it", { timeout: 60_000 }, async () => {
    const [ann, eve] = [new SigningIn([]), new SigningIn([])];
    await ann.start();
    const back = (await ann.begin("ann")) ?? "";
    ann.world.end();
    await eve.start();
    expect((await eve.get(back)).status).toBe(400);
    expect(await eve.me()).toBeUndefined();
    eve.world.end();
  });
});
