/** What is known of each attempt to run a task, for people who ask where the time went. Pure. */
import { greatest, least, optional } from "./order.ts";

export interface AttemptState {
  /** When it was begun. */
  at?: number;
  /** When AWS answered that it started nothing. */
  refusedAt?: number;
  /** What AWS said last: a refusal, or why it has to wait. */
  said?: { at: number; note: string };
}

/** By number. Attempts are paced (`drive.ts`) and end with the phase's deadline, so that they are some dozens at most. */
export type Attempts = Readonly<Record<string, AttemptState>>;

export function joinAttempt(attempts: Attempts | undefined, number: number, more: AttemptState): Attempts {
  const known = attempts?.[number];
  const said = more.said ? greatest(known?.said, more.said, (one) => one.at) : known?.said;
  const joined: AttemptState = {
    ...optional("at", least(known?.at, more.at)),
    ...optional("refusedAt", least(known?.refusedAt, more.refusedAt)),
    ...optional("said", said),
  };
  return { ...attempts, [number]: joined };
}
