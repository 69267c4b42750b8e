/** Where `oidc-provider` keeps codes, tokens and interactions: minutes long, so memory is enough. */
import type { Clock } from "#local/service.ts";

interface Entry {
  readonly payload: Record<string, unknown>;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
}

/** @returns the adapter class's factory, as the library wants it: one object for each kind of thing */
export function createMemoryAdapter(clock: Clock): (kind: string) => Record<string, unknown> {
  const entries = new Map<string, Entry>();
  const alive = (key: string): Record<string, unknown> | undefined => {
    const entry = entries.get(key);
    if (!entry) return undefined;
    if (entry.expiresAt > clock.now()) return entry.payload;
    entries.delete(key);
    return undefined;
  };
  const sweep = (): void => {
    for (const key of entries.keys()) alive(key);
  };
  return (kind) => ({
    async upsert(id: string, payload: Record<string, unknown>, expiresInSeconds: number) {
      sweep();
      entries.set(`${kind}:${id}`, { payload, expiresAt: clock.now() + (expiresInSeconds || 3_600) * 1_000 });
    },
    find: async (id: string) => alive(`${kind}:${id}`),
    async findByUid(uid: string) {
      for (const [key, { payload }] of entries) {
        if (key.startsWith(`${kind}:`) && payload.uid === uid) return alive(key);
      }
      return undefined;
    },
    findByUserCode: async () => undefined,
    async consume(id: string) {
      const payload = alive(`${kind}:${id}`);
      if (payload) payload.consumed = Math.floor(clock.now() / 1_000);
    },
    async destroy(id: string) {
      entries.delete(`${kind}:${id}`);
    },
    async revokeByGrantId(grantId: string) {
      for (const [key, { payload }] of entries) if (payload.grantId === grantId) entries.delete(key);
    },
  });
}
