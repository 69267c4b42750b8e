/** Every method with its handler. Adding a method: its schema in `protocol/methods/`, its handler, and a line here. */
import { describeUser } from "#functions/access/describe-user.ts";
import { describeContext } from "#functions/contexts/describe-context.ts";
import { appendLog } from "#functions/instances/append-log.ts";
import { recordHeartbeat } from "#functions/instances/record-heartbeat.ts";
import { redeemTicket } from "#functions/instances/redeem-ticket.ts";
import { reportFacts } from "#functions/instances/report-facts.ts";
import { sayHello } from "#functions/instances/say-hello.ts";
import { makeTicket } from "#functions/socket/make-ticket.ts";
import { createWorkspace } from "#functions/workspaces/create-workspace.ts";
import { deleteWorkspace } from "#functions/workspaces/delete-workspace.ts";
import { enterWorkspace } from "#functions/workspaces/enter-workspace.ts";
import { getWorkspace } from "#functions/workspaces/get-workspace.ts";
import { listWorkspaces } from "#functions/workspaces/list-workspaces.ts";
import { startWorkspace } from "#functions/workspaces/start-workspace.ts";
import { stopWorkspace } from "#functions/workspaces/stop-workspace.ts";
import { traceInstance } from "#functions/workspaces/trace-instance.ts";
import type { Handlers } from "./call.ts";

export const handlers: Handlers = {
  "user.me": describeUser,
  "socket.ticket": makeTicket,
  "context.resolve": describeContext,
  "workspace.create": createWorkspace,
  "workspace.list": listWorkspaces,
  "workspace.get": getWorkspace,
  "workspace.start": startWorkspace,
  "workspace.stop": stopWorkspace,
  "workspace.delete": deleteWorkspace,
  "workspace.enter": enterWorkspace,
  "instance.hello": sayHello,
  "instance.report": reportFacts,
  "instance.log": appendLog,
  "instance.heartbeat": recordHeartbeat,
  "instance.redeem": redeemTicket,
  "instance.trace": traceInstance,
};

/** What any of them may need; checked before a call is read. */
export const HANDLERS_ENVIRONMENT = [
  "TABLE_NAME",
  "QUEUE_URL",
  "ROOT_KEY_PARAMETER",
  "DASHBOARD_ORIGIN",
  "WORKSPACE_HOST_SUFFIX",
  "MAX_RUNNING_INSTANCES",
] as const;
