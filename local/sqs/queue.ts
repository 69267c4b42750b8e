import { uuid } from "../identifier.ts";
import type { RecordStore } from "../record-store.ts";
import type { Clock, Logger, RandomSource, Timer } from "../service.ts";

export interface QueueSettings {
  readonly name: string;
  readonly arn: string;
  readonly visibilityTimeoutMs: number;
  readonly delayMs: number;
  readonly retentionMs: number;
  readonly maxMessageBytes: number;
  readonly redrive: { readonly deadLetterArn: string; readonly maxReceiveCount: number } | undefined;
}

export interface Message {
  readonly messageId: string;
  readonly body: string;
  readonly messageAttributes: Readonly<Record<string, unknown>>;
  readonly sentAt: number;
  firstReceivedAt: number | undefined;
  receiveCount: number;
  /** Nobody receives it before; milliseconds since 1970. */
  visibleAt: number;
  /** Of the latest receive; `undefined` while nobody has it. */
  receiptHandle: string | undefined;
}

export interface QueueDependencies {
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly log: Logger;
  readonly records: RecordStore<Message>;
  /** Where a message goes that was received too often. */
  deadLetterQueue(arn: string): Queue | undefined;
}

/** One standard queue: at least once, roughly in order, an unfinished message comes back after its visibility timeout. */
export class Queue {
  readonly settings: QueueSettings;
  readonly #dependencies: QueueDependencies;
  readonly #listeners = new Set<() => void>();
  #timer: Timer | undefined;
  /** When it strikes. */
  #timerAt = Number.POSITIVE_INFINITY;
  #closed = false;

  constructor(settings: QueueSettings, dependencies: QueueDependencies) {
    this.settings = settings;
    this.#dependencies = dependencies;
    // Whoever had a message ended with the program: it need not wait for its timeout.
    for (const message of dependencies.records.values.values()) {
      if (message.receiptHandle !== undefined) message.visibleAt = 0;
      message.receiptHandle = undefined;
    }
  }

  /** Resolves when the message is kept. */
  async send(
    body: string,
    delayMs = this.settings.delayMs,
    messageAttributes: Record<string, unknown> = {},
  ): Promise<Message> {
    const { clock, random } = this.#dependencies;
    const message: Message = {
      messageId: uuid(random),
      body,
      messageAttributes,
      sentAt: clock.now(),
      firstReceivedAt: undefined,
      receiveCount: 0,
      visibleAt: clock.now() + delayMs,
      receiptHandle: undefined,
    };
    await this.#keep(message);
    this.#announce(message.visibleAt);
    return message;
  }

  /** Takes up to `limit` visible messages; those received too often already go to the dead-letter queue. */
  receive(limit: number, visibilityTimeoutMs = this.settings.visibilityTimeoutMs): Message[] {
    const { clock, random } = this.#dependencies;
    const now = clock.now();
    const taken: Message[] = [];
    for (const message of this.#messages()) {
      if (taken.length === limit) break;
      if (this.#expired(message, now) || message.visibleAt > now) continue;
      if (message.receiveCount >= (this.settings.redrive?.maxReceiveCount ?? Number.POSITIVE_INFINITY)) {
        this.#redrive(message);
        continue;
      }
      message.receiveCount += 1;
      message.firstReceivedAt ??= now;
      message.visibleAt = now + visibilityTimeoutMs;
      message.receiptHandle = random.bytes(24).toString("base64url");
      this.#update(message);
      taken.push(message);
    }
    if (taken.length > 0) this.#wake(now + visibilityTimeoutMs);
    return taken;
  }

  /** `false` when the handle is not (or no longer) one of this queue: AWS then says nothing either. */
  delete(receiptHandle: string): boolean {
    const message = this.#held(receiptHandle);
    if (message === undefined) return false;
    this.#forget(message);
    return true;
  }

  changeVisibility(receiptHandle: string, timeoutMs: number): boolean {
    const message = this.#held(receiptHandle);
    if (message === undefined) return false;
    message.visibleAt = this.#dependencies.clock.now() + timeoutMs;
    this.#update(message);
    this.#announce(message.visibleAt);
    return true;
  }

  purge(): void {
    for (const message of this.#messages()) this.#forget(message);
  }

  /** How many can be received now, are held by somebody, and wait for their delay. */
  counts(): { visible: number; inFlight: number; delayed: number } {
    const now = this.#dependencies.clock.now();
    const counts = { visible: 0, inFlight: 0, delayed: 0 };
    for (const message of this.#messages()) {
      if (message.visibleAt <= now) counts.visible += 1;
      else if (message.receiptHandle === undefined) counts.delayed += 1;
      else counts.inFlight += 1;
    }
    return counts;
  }

  /** Calls back whenever a message may be there to receive; at once, too. @returns to stop it */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    this.#announce(this.#next());
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.#cancel();
    };
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#cancel();
    this.#listeners.clear();
    await this.#dependencies.records.settled();
  }

  /** @param nextAt when a message becomes visible, milliseconds since 1970 */
  #announce(nextAt: number): void {
    if (this.#closed) return;
    for (const listener of this.#listeners) listener();
    this.#wake(nextAt);
  }

  /** One timer, for the first message that becomes visible later: only when it strikes are all looked at, since there may be thousands. */
  #wake(at: number): void {
    const { clock } = this.#dependencies;
    if (this.#closed || this.#listeners.size === 0 || at >= this.#timerAt || at <= clock.now()) return;
    if (at >= Number.MAX_SAFE_INTEGER) return;
    this.#timer?.cancel();
    this.#timerAt = at;
    this.#timer = clock.setTimeout(() => {
      this.#timerAt = Number.POSITIVE_INFINITY;
      this.#announce(this.#next());
    }, at - clock.now());
  }

  #next(): number {
    const now = this.#dependencies.clock.now();
    let next = Number.POSITIVE_INFINITY;
    for (const { visibleAt } of this.#messages()) {
      if (visibleAt > now && visibleAt < Number.MAX_SAFE_INTEGER) next = Math.min(next, visibleAt);
    }
    return next;
  }

  #cancel(): void {
    this.#timer?.cancel();
    this.#timerAt = Number.POSITIVE_INFINITY;
  }

  #redrive(message: Message): void {
    const deadLetterArn = this.settings.redrive?.deadLetterArn ?? "";
    const target = this.#dependencies.deadLetterQueue(deadLetterArn);
    if (target === undefined) return;
    target.send(message.body, 0, { ...message.messageAttributes }).then(
      () => this.#forget(message),
      (error: unknown) =>
        this.#dependencies.log.error(`${target.settings.name} takes no message`, { error: String(error) }),
    );
    // Out of sight meanwhile, so that it is not sent twice.
    message.visibleAt = Number.MAX_SAFE_INTEGER;
    this.#dependencies.log.error(
      `a message of ${this.settings.name} went to the dead-letter queue ${target.settings.name}`,
      {
        messageId: message.messageId,
        receiveCount: message.receiveCount,
        body: message.body.slice(0, 1000),
      },
    );
  }

  #expired(message: Message, now: number): boolean {
    if (now - message.sentAt <= this.settings.retentionMs) return false;
    this.#dependencies.log.error(
      `a message of ${this.settings.name} was dropped: nobody took it within its retention period`,
      {
        messageId: message.messageId,
      },
    );
    this.#forget(message);
    return true;
  }

  #held(receiptHandle: string): Message | undefined {
    for (const message of this.#messages()) if (message.receiptHandle === receiptHandle) return message;
    return undefined;
  }

  #messages(): MapIterator<Message> {
    return this.#dependencies.records.values.values();
  }

  #keep(message: Message): Promise<void> {
    return this.#dependencies.records.put(message.messageId, message);
  }

  /** Writes what a receive changed; if it cannot be kept, at worst a restart counts a receive less. */
  #update(message: Message): void {
    this.#keep(message).catch((error: unknown) => {
      this.#dependencies.log.error(`a message of ${this.settings.name} could not be kept on disk`, {
        error: String(error),
      });
    });
  }

  #forget(message: Message): void {
    this.#dependencies.records.delete(message.messageId).catch((error: unknown) => {
      this.#dependencies.log.error(`a message of ${this.settings.name} could not be removed from disk`, {
        error: String(error),
      });
    });
  }
}
