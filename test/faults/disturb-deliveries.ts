/** What is delivered more than once, late, out of order, or not at all: events of ECS, and messages of queues. */
import type { Cloud } from "#local/cloud.ts";
import type { FaultInjector } from "./faults.ts";
import type { Timeline } from "./simulated-clock.ts";

/** EventBridge gives ECS's events at least once, in any order; a history may even lose them. */
export function disturbEvents(cloud: Cloud, timeline: Timeline, faults: FaultInjector): void {
  const bus = cloud.services.all.find(({ name }) => name === "events") as unknown as { put(event: unknown): void };
  const { put } = bus;
  bus.put = (event) => {
    if (!timeline.isLive) return;
    const fault = faults.at("event");
    if (fault?.name === "event lost") return;
    if (fault?.name === "event late") return void timeline.setTimeout(() => put(event), fault.ms);
    if (fault?.name === "event doubled") timeline.setTimeout(() => put(event), fault.ms);
    put(event);
  };
}

/** A queue gives its messages at least once. */
export function disturbQueues(cloud: Cloud, timeline: Timeline, faults: FaultInjector): void {
  for (const arn of queueArns(cloud)) {
    const queue = cloud.services.sqs.queue(arn);
    if (queue === undefined) continue;
    const send = queue.send.bind(queue);
    const remove = queue.delete.bind(queue);
    queue.send = (body, delayMs, attributes) => {
      const fault = faults.at("message");
      if (fault?.name === "message late") return send(body, (delayMs ?? 0) + Math.min(fault.ms, 60_000), attributes);
      if (fault) timeline.setTimeout(() => void send(body, delayMs, attributes), fault.ms);
      return send(body, delayMs, attributes);
    };
    queue.delete = (handle) => (faults.at("receipt") ? true : remove(handle));
  }
}

/** ARNs of all queues of the stack. */
export function queueArns(cloud: Cloud): string[] {
  return [...(cloud.stack?.resources.values() ?? [])].flatMap(({ attributes }) =>
    attributes?.QueueName === undefined ? [] : [String(attributes.Arn)],
  );
}
