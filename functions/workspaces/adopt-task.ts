/** Writes down what ECS said of a task, where it belongs: at its instance, or among the tasks that nobody wants. */
import { type Fact, joinAll } from "./facts.ts";
import type { TaskFact } from "./task-facts.ts";
import { updateWorkspace } from "./update-workspace.ts";
import type { WorkspaceRow } from "./workspace-row.ts";

/**
 * @param tasks of the instance that they name in `startedBy`
 * @param others facts to join with them, when that instance is the current one
 * @param known the row, when this invocation has just read it
 * @returns the row afterwards; `undefined` when there is none, so that the task has to be stopped by its ARN
 */
export function adoptTasks(
  workspaceId: string,
  instanceId: string,
  tasks: readonly TaskFact[],
  others: readonly Fact[] = [],
  known?: WorkspaceRow,
): Promise<WorkspaceRow | undefined> {
  const facts: Fact[] = [...tasks.map((task) => ({ kind: "task" as const, task })), ...others];
  const living = tasks.filter(({ status, stopWanted }) => status !== "STOPPED" && status !== "DELETED" && !stopWanted);
  const adopt = (row: WorkspaceRow) => {
    if (row.instance?.id === instanceId) return { ...row, instance: joinAll(row.instance, facts) };
    const strays = [...new Set([...(row.strays ?? []), ...living.map(({ arn }) => arn)])];
    return strays.length > 0 ? { ...row, strays } : undefined;
  };
  return updateWorkspace(workspaceId, adopt, known);
}
