import { answerJson, operationName, parseJsonBody } from "../endpoint/json-protocol.ts";
import { physicalName, uuid } from "../identifier.ts";
import type { EventSink, FunctionInvoker, ResourceProvider, Service, ServiceContext, Timer } from "../service.ts";
import type { Queue } from "../sqs/queue.ts";
import { busName, putEvents } from "./put-events.ts";
import { type CloudEvent, type Rule, type RuleTarget, readRule } from "./rule.ts";

export interface EventsDependencies {
  readonly functions: FunctionInvoker;
  queue(arn: string): Queue | undefined;
}

export interface Events extends Service, EventSink {}

/** EventBridge: the default bus, buses of the template, and their rules. */
export function createEvents(context: ServiceContext, dependencies: EventsDependencies): Events {
  const { clock, log, random, region, accountId } = context;
  const arnOf = (kind: string, name: string): string => `arn:aws:events:${region}:${accountId}:${kind}/${name}`;
  const buses = new Set(["default"]);
  const rules: Rule[] = [];
  const timers = new Set<Timer>();
  let started = false;
  const early: { bus: string; event: CloudEvent }[] = [];

  function makeEvent(
    event: Omit<CloudEvent, "version" | "id" | "account" | "region" | "time">,
    time?: string,
  ): CloudEvent {
    return {
      version: "0",
      id: uuid(random),
      "detail-type": event["detail-type"],
      source: event.source,
      account: accountId,
      // EventBridge gives whole seconds.
      time: time ?? new Date(clock.now()).toISOString().replace(/\.\d+Z$/, "Z"),
      region,
      resources: event.resources,
      detail: event.detail,
    };
  }

  /** Events of services that start before this one wait until the rules' targets run. */
  function publish(bus: string, event: CloudEvent): void {
    if (!started) return void early.push({ bus, event });
    for (const rule of rules) {
      if (rule.bus !== bus || rule.matches?.(event) !== true) continue;
      for (const target of rule.targets) void deliver(rule, target, event);
    }
  }

  async function deliver(rule: Rule, target: RuleTarget, event: CloudEvent): Promise<void> {
    const payload: unknown = target.input === undefined ? structuredClone(event) : JSON.parse(target.input);
    try {
      const queue = dependencies.queue(target.arn);
      if (queue !== undefined) await queue.send(JSON.stringify(payload));
      else if (target.arn.includes(":lambda:")) {
        const caller = { principal: "events.amazonaws.com", sourceArn: rule.arn };
        dependencies.functions.invokeAsync(target.arn, payload, caller);
      } else throw new Error("only functions and queues are modelled as targets");
    } catch (error) {
      // Nothing between here and the target can be busy or unreachable, so a retry would find the same fault.
      log.error(`an event of rule ${rule.name} could not be delivered to ${target.arn}`, { error: String(error) });
      if (target.deadLetterArn !== undefined)
        await dependencies.queue(target.deadLetterArn)?.send(JSON.stringify(payload));
    }
  }

  /** At once, then at its rate: nobody waits a minute for the first repair after a start. */
  function fire(rule: Rule, intervalMs: number): void {
    const event = makeEvent({
      source: "aws.events",
      "detail-type": "Scheduled Event",
      resources: [rule.arn],
      detail: {},
    });
    for (const target of rule.targets) void deliver(rule, target, event);
    const timer = clock.setTimeout(() => {
      timers.delete(timer);
      fire(rule, intervalMs);
    }, intervalMs);
    timers.add(timer);
  }

  const bus: ResourceProvider = {
    properties: {
      Name: "executed",
      Description: { inert: "describes" },
      LogConfig: { inert: "events that match nothing are not logged" },
      Tags: { inert: "describes" },
    },
    async deploy(_logicalId, properties) {
      const name = String(properties.Name);
      buses.add(name);
      return { ref: name, attributes: { Arn: arnOf("event-bus", name), Name: name } };
    },
  };

  const ruleProvider: ResourceProvider = {
    properties: {
      Name: "executed",
      EventBusName: "executed",
      EventPattern: "executed",
      ScheduleExpression: "executed",
      State: "executed",
      Targets: "executed",
      Description: { inert: "describes" },
    },
    async deploy(logicalId, properties) {
      const name = String(properties.Name ?? physicalName(logicalId));
      const onBus = busName(String(properties.EventBusName ?? "default"));
      const arn = arnOf("rule", onBus === "default" ? name : `${onBus}/${name}`);
      if (!buses.has(onBus)) throw new Error(`EventBusName: there is no bus ${onBus}`);
      const rule = readRule(properties, { name, arn, bus: onBus });
      if (properties.State !== "DISABLED") rules.push(rule);
      return { ref: name, attributes: { Arn: arn } };
    },
  };

  return {
    name: "events",
    resources: { "AWS::Events::EventBus": bus, "AWS::Events::Rule": ruleProvider },
    api: {
      signingName: "events",
      handle: (request) =>
        answerJson(request, {
          PutEvents: (input) =>
            putEvents(
              input,
              (name) => buses.has(name),
              (entry) => {
                const time =
                  entry.time === undefined ? undefined : new Date(entry.time).toISOString().replace(/\.\d+Z$/, "Z");
                const { source, resources, detail } = entry;
                const event = makeEvent({ source, resources, detail, "detail-type": entry.detailType }, time);
                publish(entry.bus, event);
                return event.id;
              },
            ),
        }),
    },
    permissions(request) {
      const entries = (parseJsonBody(request).Entries ?? []) as { EventBusName?: string }[];
      const names = new Set(entries.map((entry) => busName(entry.EventBusName ?? "default")));
      return [...names].map((name) => ({
        action: `events:${operationName(request)}`,
        resource: arnOf("event-bus", name),
      }));
    },
    put(event) {
      publish("default", makeEvent({ ...event, resources: event.resources ?? [] }, event.time));
    },
    async start() {
      started = true;
      for (const { bus: name, event } of early.splice(0)) publish(name, event);
      for (const rule of rules) if (rule.intervalMs !== undefined) fire(rule, rule.intervalMs);
    },
    async stop() {
      for (const timer of timers) timer.cancel();
      timers.clear();
    },
  };
}
