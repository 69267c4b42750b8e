import type { Clock, InvokeResult, Logger, Timer } from "../service.ts";
import type { Message, Queue } from "../sqs/queue.ts";
import { md5, systemAttributes } from "../sqs/queue-api.ts";

/** Lambda polls a queue with five pollers to begin with; here they are pushed to. */
const defaultConcurrency = 5;

export interface MappingSettings {
  readonly functionArn: string;
  readonly batchSize: number;
  readonly windowMs: number;
  readonly reportsItemFailures: boolean;
  readonly maxConcurrency: number | undefined;
}

export interface MappingDependencies {
  readonly clock: Clock;
  readonly log: Logger;
  readonly region: string;
  readonly queue: Queue;
  invoke(functionArn: string, payload: unknown): Promise<InvokeResult>;
}

/**
 * Feeds a function with a queue's messages. What a batch did not finish stays invisible until its visibility timeout and
 * comes back then, as on AWS.
 */
export class QueueMapping {
  readonly #settings: MappingSettings;
  readonly #dependencies: MappingDependencies;
  #running = 0;
  #window: Timer | undefined;
  #started = false;
  #unsubscribe: (() => void) | undefined;

  constructor(settings: MappingSettings, dependencies: MappingDependencies) {
    this.#settings = settings;
    this.#dependencies = dependencies;
  }

  start(): void {
    this.#started = true;
    this.#unsubscribe = this.#dependencies.queue.subscribe(() => this.#gather());
  }

  stop(): void {
    this.#started = false;
    this.#unsubscribe?.();
    this.#window?.cancel();
  }

  /** Waits for the batching window, unless a batch is full already. */
  #gather(): void {
    const { batchSize, windowMs } = this.#settings;
    const { clock, queue } = this.#dependencies;
    if (windowMs === 0 || queue.counts().visible >= batchSize) {
      this.#pull();
      return;
    }
    this.#window ??= clock.setTimeout(() => {
      this.#window = undefined;
      this.#pull();
    }, windowMs);
  }

  #pull(): void {
    while (this.#started && this.#running < (this.#settings.maxConcurrency ?? defaultConcurrency)) {
      const messages = this.#dependencies.queue.receive(this.#settings.batchSize);
      if (messages.length === 0) return;
      void this.#process(messages);
    }
  }

  async #process(messages: readonly Message[]): Promise<void> {
    this.#running += 1;
    const handles = new Map(messages.map((message) => [message.messageId, message.receiptHandle ?? ""]));
    const records = messages.map((message) => this.#describe(message));
    const result = await this.#dependencies.invoke(this.#settings.functionArn, { Records: records });
    this.#running -= 1;
    const failed = result.ok ? this.#failedItems(result.payload, handles) : handles;
    for (const [messageId, handle] of handles) {
      if (!failed.has(messageId)) this.#dependencies.queue.delete(handle);
    }
    this.#pull();
  }

  /** Ids of what is to come back: all of the batch when the function's answer is not one that AWS understands. */
  #failedItems(payload: unknown, batch: ReadonlyMap<string, string>): { has(messageId: string): boolean } {
    const items = (payload as { batchItemFailures?: unknown } | null | undefined)?.batchItemFailures;
    if (!this.#settings.reportsItemFailures || items === undefined || items === null) return new Set();
    const ids = Array.isArray(items)
      ? items.map((item) => (item as { itemIdentifier?: unknown }).itemIdentifier)
      : [undefined];
    const unknownId = ids.find((id) => typeof id !== "string" || !batch.has(id));
    if (ids.length === 0 || unknownId === undefined) return new Set(ids);
    this.#dependencies.log.error(
      "a batch's answer names an item that is none of its messages: the whole batch counts as failed",
      {
        function: this.#settings.functionArn.slice(this.#settings.functionArn.lastIndexOf(":") + 1),
      },
    );
    return batch;
  }

  #describe(message: Message): unknown {
    return {
      messageId: message.messageId,
      receiptHandle: message.receiptHandle,
      body: message.body,
      attributes: systemAttributes(message),
      messageAttributes: message.messageAttributes,
      md5OfBody: md5(message.body),
      eventSource: "aws:sqs",
      eventSourceARN: this.#dependencies.queue.settings.arn,
      awsRegion: this.#dependencies.region,
    };
  }
}
