import { Duration } from "aws-cdk-lib";
import { SqsEventSource } from "aws-cdk-lib/aws-lambda-event-sources";
import { Queue, QueueEncryption } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import type { AtelierFunction } from "./atelier-function.ts";
import { allow, type Binding } from "./binding.ts";
import { DeadLetters } from "./dead-letters.ts";

/** The driver's longest run; a message that it was killed with comes back after twice that. */
export const DRIVER_TIMEOUT = Duration.seconds(30);

/** Ids of workspaces that the driver is to look at. A message is a hint: the row says what is to be done. */
export class LaunchQueue extends Construct {
  readonly #queue: Queue;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    const dead = new DeadLetters(this, "Dead", {
      meaning: "The driver failed five times with a message. Its workspaces wait for the sweeper or their deadline.",
    });
    this.#queue = new Queue(this, "Queue", {
      visibilityTimeout: Duration.seconds(2 * DRIVER_TIMEOUT.toSeconds()),
      retentionPeriod: Duration.days(1),
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      deadLetterQueue: { queue: dead.queue, maxReceiveCount: 5 },
    });
  }

  get send(): Binding {
    return {
      environment: { QUEUE_URL: this.#queue.queueUrl },
      statements: [allow(["sqs:SendMessage"], [this.#queue.queueArn])],
    };
  }

  /** Messages go to `driver`, ten at a time; those that it names as failed come again. */
  drive(driver: AtelierFunction): void {
    driver.function.addEventSource(new SqsEventSource(this.#queue, { batchSize: 10, reportBatchItemFailures: true }));
  }
}
