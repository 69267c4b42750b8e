/**
 * The one stack of middleware, and one factory for each kind of trigger. Every deployed handler is made by one of them:
 *
 *     export const handler = onQueue({ env: ["TABLE_NAME"] }, async (message: DriveMessage) => { ... });
 *
 * What they share: the configuration is checked before anything runs, every log line carries the invocation's ids, errors are
 * translated once, and an event that this environment has finished already is not handled again (others catch what is left:
 * every write is conditional).
 */
import middy, { type MiddlewareObj } from "@middy/core";
import { AtelierError, ERRORS } from "#protocol/errors.ts";
import type {
  CustomResourceEvent,
  EventBridgeEvent,
  HttpAnswer,
  HttpEvent,
  SQSBatchResponse,
  SQSEvent,
} from "./aws-events.ts";
import { env } from "./config.ts";
import { answerCloudFormation, type CustomResourceResult, physicalIdOf } from "./custom-resource.ts";
import { type LogFields, log, withLogFields } from "./log.ts";

/** What Lambda calls. Ours take the event and, of the context, only the request's id. */
export type LambdaHandler<E, R> = (event: E, context?: { awsRequestId?: string }) => Promise<R>;

export interface Needs {
  /** Environment variables without which the handler cannot work. */
  env: readonly string[];
}

/** An HTTP function. `onError` makes the answer of an error; the default is JSON. */
export function onHttp(
  needs: Needs & { onError?: (error: AtelierError) => HttpAnswer },
  handle: (event: HttpEvent) => Promise<HttpAnswer>,
): LambdaHandler<HttpEvent, HttpAnswer> {
  return stack<HttpEvent, HttpAnswer>(
    needs,
    (event) => ({ route: event.routeKey, requestId: event.requestContext.requestId }),
    handle,
    {
      onError: (request) => {
        const error = translate(request.error, "request");
        request.response = (needs.onError ?? jsonError)(error);
      },
    },
  );
}

/** One of the routes of the socket API. What it answers to `$connect` decides about the connection; otherwise nobody reads it. */
export function onSocket<E extends { requestContext: { connectionId: string; requestId: string; routeKey: string } }>(
  needs: Needs,
  handle: (event: E) => Promise<HttpAnswer>,
): LambdaHandler<E, HttpAnswer> {
  return stack<E, HttpAnswer>(
    needs,
    ({ requestContext: { routeKey, requestId, connectionId } }) => ({ route: routeKey, requestId, connectionId }),
    handle,
    {
      onError: (request) => {
        request.response = { statusCode: httpStatusOf(translate(request.error, "socket request")) };
      },
    },
  );
}

/**
 * A queue's function: a batch of JSON messages, handled side by side. Equal messages of a batch are handled once; one that
 * throws goes back to the queue alone.
 */
export function onQueue<M>(
  needs: Needs,
  handle: (message: M, receiveCount: number) => Promise<void>,
): LambdaHandler<SQSEvent, SQSBatchResponse> {
  const finished = new RecentIds();
  return stack<SQSEvent, SQSBatchResponse>(
    needs,
    () => ({}),
    async (event) => {
      const works = new Map<string, Promise<boolean>>();
      const results = event.Records.map(async (record) => {
        if (finished.has(record.messageId)) return true;
        const work = works.get(record.body) ?? runMessage(record, handle);
        works.set(record.body, work);
        const good = await work;
        if (good) finished.add(record.messageId);
        return good;
      });
      const good = await Promise.all(results);
      return {
        batchItemFailures: event.Records.filter((_, index) => !good[index]).map(({ messageId }) => ({
          itemIdentifier: messageId,
        })),
      };
    },
  );
}

async function runMessage<M>(
  record: SQSEvent["Records"][number],
  handle: (message: M, receiveCount: number) => Promise<void>,
): Promise<boolean> {
  return withLogFields({ messageId: record.messageId }, async () => {
    try {
      await handle(JSON.parse(record.body) as M, Number(record.attributes.ApproximateReceiveCount));
      return true;
    } catch (error) {
      log.error("A message could not be handled; the queue gives it again.", { error });
      return false;
    }
  });
}

/** A rule's function: one event of a bus (at least once, in any order). Throwing makes Lambda try it again, twice. */
export function onBus<D>(
  needs: Needs,
  handle: (event: EventBridgeEvent<string, D>) => Promise<void>,
): LambdaHandler<EventBridgeEvent<string, D>, void> {
  const finished = new RecentIds();
  return stack<EventBridgeEvent<string, D>, void>(
    needs,
    (event) => ({ eventId: event.id, detailType: event["detail-type"] }),
    async (event) => {
      if (finished.has(event.id)) return;
      await handle(event);
      finished.add(event.id);
    },
  );
}

/** A schedule's function. */
export function onSchedule(needs: Needs, handle: () => Promise<void>): LambdaHandler<unknown, void> {
  return stack<unknown, void>(
    needs,
    () => ({}),
    () => handle(),
  );
}

/**
 * A custom resource's function: it always answers CloudFormation, also when it fails, since the stack would otherwise wait an
 * hour. Thrown messages are shown to whoever deploys.
 */
export function onCustomResource(
  needs: Needs,
  handle: (event: CustomResourceEvent) => Promise<CustomResourceResult>,
): LambdaHandler<CustomResourceEvent, null> {
  return stack<CustomResourceEvent, null>(
    needs,
    (event) => ({ logicalId: event.LogicalResourceId, requestType: event.RequestType }),
    async (event) => {
      const result = await handle(event);
      await answerCloudFormation(event, { status: "SUCCESS", physicalId: physicalIdOf(event), ...result });
      return null;
    },
    {
      onError: async (request) => {
        log.error("The custom resource failed.", { error: request.error });
        const reason = request.error instanceof Error ? request.error.message : String(request.error);
        const physicalId = physicalIdOf(request.event);
        await answerCloudFormation(request.event, { status: "FAILED", reason, physicalId });
        // Not thrown again (that is what an answer other than `undefined` means to middy): CloudFormation has its answer, and
        // a retry by Lambda would answer twice.
        request.response = null;
      },
    },
  );
}

function stack<E, R>(
  needs: Needs,
  fieldsOf: (event: E) => LogFields,
  handle: (event: E) => Promise<R>,
  translation?: MiddlewareObj<E, R>,
): LambdaHandler<E, R> {
  const wrapped = middy<E, R>().use(checkEnvironment<E, R>(needs.env));
  if (translation) wrapped.use(translation);
  const run = wrapped.handler((event: E) => handle(event) as never) as unknown as (
    event: E,
    context: object,
  ) => Promise<R>;
  return (event, context = {}) =>
    withLogFields({ invocationId: context.awsRequestId, ...fieldsOf(event) }, () => run(event, context));
}

function checkEnvironment<E, R>(names: readonly string[]): MiddlewareObj<E, R> {
  return {
    before: () => {
      for (const name of names) env(name);
    },
  };
}

/** The one door from anything thrown to an error that may be shown. Expected ones are not alarms. */
export function translate(error: unknown, what: string): AtelierError {
  if (error instanceof AtelierError) {
    log.info(`The ${what} was refused.`, { kind: error.kind, reason: error.message });
    return error;
  }
  log.error(`The ${what} failed.`, { error });
  return new AtelierError("INTERNAL_ERROR", "Something went wrong on our side. Try again; it was logged.", {
    cause: error,
  });
}

/** Errors of HTTP's own kinds keep their number; what the caller got wrong is 400, the rest 500. */
export function httpStatusOf(error: AtelierError): number {
  const { code } = ERRORS[error.kind];
  if (code >= 460 && code < 500) return 422;
  if (code >= 400) return code;
  return error.kind === "INTERNAL_ERROR" ? 500 : 400;
}

function jsonError(error: AtelierError): HttpAnswer {
  return {
    statusCode: httpStatusOf(error),
    headers: { "content-type": "application/json", "cache-control": "no-store" },
    body: JSON.stringify({ error: { name: error.kind, message: error.message } }),
  };
}

/** The last ids that this environment finished. A filter that spares work, not a guarantee. */
class RecentIds {
  readonly #ids = new Set<string>();

  has(id: string): boolean {
    return this.#ids.has(id);
  }

  add(id: string): void {
    this.#ids.add(id);
    if (this.#ids.size > 1_000) {
      const [oldest] = this.#ids;
      if (oldest !== undefined) this.#ids.delete(oldest);
    }
  }
}
