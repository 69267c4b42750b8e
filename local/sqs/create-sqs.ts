import { join } from "node:path";
import { physicalName } from "../identifier.ts";
import { openRecords } from "../record-store.ts";
import type { Deployed, ResourceProvider, Service, ServiceContext } from "../service.ts";
import { type Message, Queue, type QueueSettings } from "./queue.ts";
import { createQueueApi, queuePermissions } from "./queue-api.ts";

export interface Sqs extends Service {
  /** @returns `undefined` for an ARN that is none of a queue here */
  queue(arn: string): Queue | undefined;
}

export interface SqsDependencies {
  /** Origin of the AWS endpoint: queue URLs begin with it. */
  endpointUrl(): string;
}

/** Queues whose messages survive the program, delivered by push. */
export function createSqs(context: ServiceContext, dependencies: SqsDependencies): Sqs {
  const queues = new Map<string, Queue>();
  const arnOf = (name: string): string => `arn:aws:sqs:${context.region}:${context.accountId}:${name}`;
  // A URL ends with the queue's name; whatever stands before it changes with the endpoint's port.
  const nameOf = (queueUrl: string): string => queueUrl.slice(queueUrl.lastIndexOf("/") + 1);
  const find = (queueUrl: string): Queue | undefined => queues.get(arnOf(nameOf(queueUrl)));
  const urlOf = (name: string): string => `${dependencies.endpointUrl()}/${context.accountId}/${name}`;

  const queue: ResourceProvider = {
    properties: {
      QueueName: "executed",
      VisibilityTimeout: "executed",
      DelaySeconds: "executed",
      MessageRetentionPeriod: "executed",
      MaximumMessageSize: "executed",
      RedrivePolicy: "executed",
      ReceiveMessageWaitTimeSeconds: { inert: "mappings are pushed to; a client says how long it waits" },
      RedriveAllowPolicy: { inert: "one template owns all queues" },
      SqsManagedSseEnabled: { inert: "messages rest in the state directory, readable by its owner only" },
      KmsMasterKeyId: { inert: "KMS is not modelled" },
      Tags: { inert: "describes" },
    },
    async deploy(logicalId, properties): Promise<Deployed> {
      const name = String(properties.QueueName ?? physicalName(logicalId));
      const folder = context.stateDirectory === undefined ? undefined : join(context.stateDirectory, name);
      const records = await openRecords<Message>(folder);
      const settings = readSettings(name, arnOf(name), properties);
      const deadLetterQueue = (arn: string): Queue | undefined => queues.get(arn);
      queues.set(settings.arn, new Queue(settings, { ...context, records, deadLetterQueue }));
      return { ref: urlOf(name), attributes: { Arn: settings.arn, QueueName: name, QueueUrl: urlOf(name) } };
    },
  };

  const api = createQueueApi({ clock: context.clock, find, urlOf: (found) => urlOf(found.settings.name) });
  return {
    name: "sqs",
    resources: {
      "AWS::SQS::Queue": queue,
      "AWS::SQS::QueuePolicy": {
        properties: { "*": { inert: "resource policies are not evaluated: one account, one owner" } },
        deploy: async (logicalId) => ({ ref: logicalId }),
      },
    },
    api: { signingName: "sqs", handle: api },
    permissions: (request) => queuePermissions(request, (queueUrl) => arnOf(nameOf(queueUrl))),
    queue: (arn) => queues.get(arn),
    async stop() {
      await Promise.all([...queues.values()].map((each) => each.close()));
    },
  };
}

function readSettings(name: string, arn: string, properties: Readonly<Record<string, unknown>>): QueueSettings {
  const seconds = (property: string, fallback: number): number => Number(properties[property] ?? fallback) * 1000;
  const redrive = properties.RedrivePolicy as { deadLetterTargetArn: string; maxReceiveCount: number } | undefined;
  return {
    name,
    arn,
    visibilityTimeoutMs: seconds("VisibilityTimeout", 30),
    delayMs: seconds("DelaySeconds", 0),
    retentionMs: seconds("MessageRetentionPeriod", 4 * 24 * 3600),
    maxMessageBytes: Number(properties.MaximumMessageSize ?? 1_048_576),
    redrive: redrive && {
      deadLetterArn: redrive.deadLetterTargetArn,
      maxReceiveCount: Number(redrive.maxReceiveCount),
    },
  };
}
