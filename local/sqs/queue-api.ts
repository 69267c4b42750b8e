import { createHash } from "node:crypto";
import { ApiError } from "../endpoint/api-error.ts";
import { answerJson, type JsonOperation, operationName, parseJsonBody } from "../endpoint/json-protocol.ts";
import type { ApiRequest, ApiResponse, Clock } from "../service.ts";
import type { Message, Queue } from "./queue.ts";

export interface QueueApiDependencies {
  readonly clock: Clock;
  /** By its URL. */
  find(queueUrl: string): Queue | undefined;
  urlOf(queue: Queue): string;
}

/** The SQS API, as far as functions use it. Sizes and counts are AWS's: 10 messages a batch, 1 MiB a message and a batch. */
export function createQueueApi(dependencies: QueueApiDependencies): (request: ApiRequest) => Promise<ApiResponse> {
  const queueOf = (input: Record<string, unknown>): Queue => {
    const queue = dependencies.find(String(input.QueueUrl ?? ""));
    if (queue !== undefined) return queue;
    throw new ApiError("QueueDoesNotExist", "The specified queue does not exist.");
  };

  const operations: Record<string, JsonOperation> = {
    SendMessage: (input) => sendMessage(queueOf(input), input),
    SendMessageBatch: (input) => eachEntry(input, (entry) => sendMessage(queueOf(input), entry)),
    async ReceiveMessage(input) {
      const queue = queueOf(input);
      const limit = wholeNumber(input, "MaxNumberOfMessages", 1, 1, 10);
      const waitMs = wholeNumber(input, "WaitTimeSeconds", 0, 0, 20) * 1000;
      const defaultSeconds = queue.settings.visibilityTimeoutMs / 1000;
      const visibilityMs = wholeNumber(input, "VisibilityTimeout", defaultSeconds, 0, 43_200) * 1000;
      const messages = await receiveWithin(queue, limit, visibilityMs, waitMs, dependencies.clock);
      return messages.length === 0 ? {} : { Messages: messages.map(describeMessage) };
    },
    DeleteMessage: (input) => void queueOf(input).delete(String(input.ReceiptHandle)),
    DeleteMessageBatch: (input) =>
      eachEntry(input, async (entry) => void queueOf(input).delete(String(entry.ReceiptHandle))),
    ChangeMessageVisibility: (input) => changeVisibility(queueOf(input), input),
    ChangeMessageVisibilityBatch: (input) => eachEntry(input, async (entry) => changeVisibility(queueOf(input), entry)),
    PurgeQueue: (input) => queueOf(input).purge(),
    GetQueueUrl(input) {
      const queue = dependencies.find(String(input.QueueName ?? ""));
      if (queue === undefined) throw new ApiError("QueueDoesNotExist", "The specified queue does not exist.");
      return { QueueUrl: dependencies.urlOf(queue) };
    },
    GetQueueAttributes: (input) => ({ Attributes: chooseAttributes(queueOf(input), input) }),
  };
  return (request) => answerJson(request, operations);
}

/** `sqs:<Operation>` on the queue; a batch needs its single operation's grant. */
export function queuePermissions(
  request: ApiRequest,
  arnOf: (queueUrl: string) => string,
): { action: string; resource: string }[] {
  const input = parseJsonBody(request);
  const action = operationName(request).replace(/Batch$/, "");
  return [{ action: `sqs:${action}`, resource: arnOf(String(input.QueueUrl ?? input.QueueName ?? "")) }];
}

async function sendMessage(queue: Queue, input: Record<string, unknown>): Promise<Record<string, unknown>> {
  const { MessageBody: body } = input;
  if (typeof body !== "string" || body === "") {
    throw new ApiError("MissingParameter", "The request must contain the parameter MessageBody.");
  }
  if (Buffer.byteLength(body) > queue.settings.maxMessageBytes) {
    const { maxMessageBytes } = queue.settings;
    throw new ApiError("InvalidParameterValue", `Message must be shorter than ${maxMessageBytes} bytes.`);
  }
  const delaySeconds = wholeNumber(input, "DelaySeconds", queue.settings.delayMs / 1000, 0, 900);
  const attributes = (input.MessageAttributes ?? {}) as Record<string, unknown>;
  const message = await queue.send(body, delaySeconds * 1000, attributes);
  return { MessageId: message.messageId, MD5OfMessageBody: md5(body) };
}

function changeVisibility(queue: Queue, input: Record<string, unknown>): undefined {
  const timeoutMs = wholeNumber(input, "VisibilityTimeout", undefined, 0, 43_200) * 1000;
  if (queue.changeVisibility(String(input.ReceiptHandle), timeoutMs)) return undefined;
  throw new ApiError("ReceiptHandleIsInvalid", "The receipt handle is not one of a message that is in flight.");
}

/** Each entry by itself: one that fails does not keep the others from being done. */
async function eachEntry(
  input: Record<string, unknown>,
  act: (entry: Record<string, unknown>) => Promise<Record<string, unknown> | undefined>,
): Promise<Record<string, unknown>> {
  const entries = (input.Entries ?? []) as Record<string, unknown>[];
  if (entries.length === 0) throw new ApiError("EmptyBatchRequest", "The batch request doesn't contain any entries.");
  if (entries.length > 10)
    throw new ApiError("TooManyEntriesInBatchRequest", "The batch request contains more than 10 entries.");
  const ids = new Set(entries.map((entry) => entry.Id));
  if (ids.size < entries.length)
    throw new ApiError("BatchEntryIdsNotDistinct", "Two or more batch entries have the same Id.");
  const successful: Record<string, unknown>[] = [];
  const failed: Record<string, unknown>[] = [];
  for (const entry of entries) {
    try {
      successful.push({ Id: entry.Id, ...(await act(entry)) });
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      failed.push({ Id: entry.Id, Code: error.code, Message: error.message, SenderFault: error.status < 500 });
    }
  }
  return { Successful: successful, Failed: failed };
}

/** Long polling: answers as soon as there is a message, with nothing after `waitMs`. */
async function receiveWithin(
  queue: Queue,
  limit: number,
  visibilityMs: number,
  waitMs: number,
  clock: Clock,
): Promise<Message[]> {
  const found = queue.receive(limit, visibilityMs);
  if (found.length > 0 || waitMs === 0) return found;
  return new Promise((resolve) => {
    const finish = (messages: Message[]): void => {
      timer.cancel();
      unsubscribe();
      resolve(messages);
    };
    const timer = clock.setTimeout(() => finish([]), waitMs);
    let unsubscribe = (): void => undefined;
    unsubscribe = queue.subscribe(() => {
      const messages = queue.receive(limit, visibilityMs);
      if (messages.length > 0) finish(messages);
    });
  });
}

function describeMessage(message: Message): Record<string, unknown> {
  const hasAttributes = Object.keys(message.messageAttributes).length > 0;
  return {
    MessageId: message.messageId,
    ReceiptHandle: message.receiptHandle,
    Body: message.body,
    MD5OfBody: md5(message.body),
    Attributes: systemAttributes(message),
    ...(hasAttributes ? { MessageAttributes: message.messageAttributes } : {}),
  };
}

/** What AWS says of a message beside its body, all as text. */
export function systemAttributes(message: Message): Record<string, string> {
  return {
    ApproximateReceiveCount: String(message.receiveCount),
    SentTimestamp: String(message.sentAt),
    SenderId: "AIDALOCAL",
    ApproximateFirstReceiveTimestamp: String(message.firstReceivedAt ?? message.sentAt),
  };
}

function chooseAttributes(queue: Queue, input: Record<string, unknown>): Record<string, string> {
  const { settings } = queue;
  const counts = queue.counts();
  const all: Record<string, string> = {
    QueueArn: settings.arn,
    ApproximateNumberOfMessages: String(counts.visible),
    ApproximateNumberOfMessagesNotVisible: String(counts.inFlight),
    ApproximateNumberOfMessagesDelayed: String(counts.delayed),
    VisibilityTimeout: String(settings.visibilityTimeoutMs / 1000),
    DelaySeconds: String(settings.delayMs / 1000),
    MessageRetentionPeriod: String(settings.retentionMs / 1000),
    MaximumMessageSize: String(settings.maxMessageBytes),
  };
  const names = (input.AttributeNames ?? []) as string[];
  return names.includes("All") ? all : Object.fromEntries(Object.entries(all).filter(([name]) => names.includes(name)));
}

function wholeNumber(
  input: Record<string, unknown>,
  name: string,
  fallback: number | undefined,
  least: number,
  most: number,
): number {
  const value = input[name] ?? fallback;
  if (typeof value === "number" && Number.isInteger(value) && value >= least && value <= most) return value;
  throw new ApiError(
    "InvalidParameterValue",
    `Value ${String(value)} for parameter ${name} is invalid. Must be between ${least} and ${most}.`,
  );
}

export function md5(text: string): string {
  return createHash("md5").update(text).digest("hex");
}
