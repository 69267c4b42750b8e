/** Deliberate defects, for tests only: to each invariant one that the histories must find. */
import type { IncomingAnswer, OutgoingRequest } from "./http-modules.ts";
import type { ActionName } from "./plan-history.ts";
import type { Tamper } from "./world-options.ts";

export interface Defect {
  readonly invariant: number;
  readonly what: string;
  /** What the violation says, where several nets are spread for one invariant. */
  readonly finds?: RegExp;
  /** It is found in histories in which people do this. */
  readonly among?: ActionName;
  /** It is found in histories in which nothing else goes wrong. */
  readonly isPeaceful?: boolean;
  /** Made anew for each history. */
  tamper?(): Tamper;
  /** Of the function at the edge. */
  readonly changeEdge?: (code: string) => string;
  /** Queues that are said to have an alarm. */
  readonly alarmed?: ReadonlySet<string>;
}

const done: IncomingAnswer = { status: 200, headers: { "content-type": "application/x-amz-json-1.0" }, body: "{}" };

interface WorkspaceItem {
  readonly sk?: { S: string };
  readonly phase?: { S: string };
  readonly revision?: { N: string };
}

export const DEFECTS: readonly Defect[] = [
  {
    invariant: 1,
    what: "the driver forgets to write that a run has ended, and so does everybody else",
    tamper:
      () =>
      async ({ operation, input }, _request, perform) => {
        const item = input.Item as WorkspaceItem | undefined;
        return operation === "PutItem" && item?.phase?.S === "stopped" ? done : perform();
      },
  },
  {
    invariant: 1,
    what: "ECS carries out a stop a minute after it said yes",
    finds: /after its end was asked for/,
    isPeaceful: true,
    tamper:
      () =>
      async ({ operation, input }, _request, perform, world) => {
        if (operation !== "StopTask") return perform();
        world.outside.setTimeout(() => void perform(), 60_000);
        const described = await perform({ cluster: input.cluster, tasks: [input.task] }, "DescribeTasks");
        const { tasks } = JSON.parse(described.body.toString()) as { tasks: unknown[] };
        return { ...described, body: JSON.stringify({ task: tasks[0] }) };
      },
  },
  {
    invariant: 1,
    what: "that a workspace is in use is not written down",
    finds: /stops as unused/,
    among: "come back",
    tamper:
      () =>
      async ({ operation, input }, _request, perform) => {
        const item = input.Item as WorkspaceItem | undefined;
        return operation === "PutItem" && item?.sk?.S === "HEARTBEAT" ? done : perform();
      },
  },
  {
    invariant: 2,
    what: "a start runs its task twice, with another client token, and tasks do not stop when they are asked to",
    tamper:
      () =>
      async ({ operation, input }, _request, perform) => {
        if (operation === "StopTask") return done;
        if (operation === "RunTask") await perform({ ...input, clientToken: `${input.clientToken}.again` });
        return perform();
      },
  },
  {
    invariant: 3,
    what: "pushes are lost, and the list is answered from an index that lags behind for ever",
    tamper: () => {
      const lists = new Map<string, IncomingAnswer>();
      return async ({ operation, input }, request, perform) => {
        if (isPush(request)) return { status: 200, headers: {}, body: "" };
        if (operation !== "Query" || input.IndexName !== "byOwner") return perform();
        const key = JSON.stringify(input);
        const list = lists.get(key) ?? (await perform());
        if (!list.body.includes('"Count":0')) lists.set(key, list);
        return list;
      };
    },
  },
  {
    invariant: 4,
    what: "slots are never freed",
    tamper:
      () =>
      async ({ operation, input }, _request, perform) =>
        operation === "UpdateItem" && String(input.UpdateExpression).includes("REMOVE slots") ? done : perform(),
  },
  {
    invariant: 4,
    what: "an access point is not deleted, though EFS says so",
    finds: /access point/,
    tamper:
      () =>
      async ({ operation }, _request, perform) =>
        operation === "DELETE /2015-02-01/access-points/*" ? { status: 204, headers: {}, body: "" } : perform(),
  },
  {
    invariant: 4,
    what: "the rows of a socket stay when it is closed",
    finds: /CONNECTION/,
    tamper:
      () =>
      async ({ functionName, operation }, _request, perform) =>
        functionName === "OnDisconnect" && operation === "DeleteItem" ? done : perform(),
  },
  {
    invariant: 5,
    what: "a ticket stays when it is redeemed",
    tamper:
      () =>
      async ({ operation, input }, _request, perform) => {
        const answer = await perform();
        if (operation !== "DeleteItem") return answer;
        const { Attributes } = JSON.parse(answer.body.toString()) as { Attributes?: { sk?: { S: string } } };
        if (Attributes?.sk?.S === "TICKET") await perform({ TableName: input.TableName, Item: Attributes }, "PutItem");
        return answer;
      },
  },
  {
    invariant: 5,
    what: "the edge takes a proof at any host",
    finds: /the edge takes/,
    among: "enter",
    changeEdge: (code) =>
      code.replace(/payload\.t !== kind \|\| payload\.h !== host \|\| .*? !== 0\)/, "payload.t !== kind)"),
  },
  {
    invariant: 5,
    what: "whether an instance has ended is not looked at any more",
    finds: /works after its end/,
    tamper: () => {
      const running = new Map<string, IncomingAnswer>();
      return async ({ functionName, operation, input }, _request, perform) => {
        const answer = await perform();
        const key = JSON.stringify(input.Key);
        if (operation !== "GetItem" || !key.includes("WORKSPACE")) return answer;
        const { Item } = JSON.parse(answer.body.toString()) as { Item?: WorkspaceItem };
        if (Item?.phase?.S === "running") running.set(key, answer);
        const isOver = Item === undefined || Item.phase?.S === "stopped";
        return functionName === "OnRequest" && isOver ? (running.get(key) ?? answer) : answer;
      };
    },
  },
  {
    invariant: 6,
    what: "a start begins with empty volumes",
    tamper:
      () =>
      async ({ operation }, _request, perform, world) => {
        if (operation === "RunTask") for (const files of world.machines.volumes.values()) files.clear();
        return perform();
      },
  },
  {
    invariant: 7,
    what: "no queue has an alarm, and events cannot be handled",
    alarmed: new Set(),
    tamper:
      () =>
      async ({ functionName, operation }, _request, perform) =>
        functionName === "OnTaskChange" && operation === "GetItem"
          ? { ...done, status: 400, body: JSON.stringify({ __type: "ResourceNotFoundException", message: "gone" }) }
          : perform(),
  },
];

function isPush({ method, path }: OutgoingRequest): boolean {
  return method === "POST" && path.includes("/@connections/");
}
