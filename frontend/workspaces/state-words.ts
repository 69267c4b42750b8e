/** How a workspace's state is said to people: a dot's colour and a word. */
import type { Instance, Stage, Workspace } from "#protocol/workspace.ts";

export type Tone = "running" | "moving" | "stopped" | "failed";
export interface StateWord {
  readonly tone: Tone;
  readonly word: string;
}

const WORDS: Record<Instance["phase"], StateWord> = {
  preparing: { tone: "moving", word: "Preparing" },
  building: { tone: "moving", word: "Building" },
  pending: { tone: "moving", word: "Starting" },
  creating: { tone: "moving", word: "Starting" },
  initializing: { tone: "moving", word: "Getting ready" },
  running: { tone: "running", word: "Running" },
  stopping: { tone: "moving", word: "Stopping" },
  stopped: { tone: "stopped", word: "Stopped" },
};

export function stateOf({ instance }: Pick<Workspace, "instance">): StateWord {
  if (!instance) return WORDS.stopped;
  if (instance.phase === "stopped" && instance.conditions.failed) return { tone: "failed", word: "Failed" };
  return WORDS[instance.phase];
}

export function isStarting(phase: Instance["phase"]): boolean {
  return phase !== "running" && phase !== "stopping" && phase !== "stopped";
}

/** What its main action is: `open` leads to the IDE, `watch` to the start page of what is on its way, `start` begins a run. */
export function mainActionOf({ instance }: Pick<Workspace, "instance">): "open" | "watch" | "start" {
  if (!instance || instance.phase === "stopped") return "start";
  return instance.phase === "running" ? "open" : "watch";
}

export function canStop({ instance }: Pick<Workspace, "instance">): boolean {
  return instance !== undefined && instance.phase !== "stopping" && instance.phase !== "stopped";
}

const STAGE_WORDS: Record<Stage["name"], string> = {
  queue: "Waiting for a place",
  volume: "Making the volume",
  task: "Starting the container",
  supervisor: "Waiting for the supervisor",
  clone: "Cloning the repository",
  ide: "Starting VS Code",
};

export function stageWord(name: Stage["name"]): string {
  return STAGE_WORDS[name];
}

/** Why a run ended, as one sentence; the server's own words where it has some. */
export function whyStopped({ conditions }: Instance): string {
  if (conditions.failed) return conditions.failed;
  if (conditions.timeout) return conditions.timeout;
  if (conditions.interrupted) return conditions.interrupted;
  if (conditions.stoppedByRequest) return "Stopped because you asked for it.";
  return "Stopped.";
}

/** `acme/shop`. */
export function repositoryName({ context }: Pick<Workspace, "context">): string {
  const { owner, name } = context.repository;
  return owner ? `${owner}/${name}` : name;
}

/** `main`, `3f2a91c`, or `empty`. */
export function refName({ context }: Pick<Workspace, "context">): string {
  if (context.kind === "empty") return "empty repository";
  if (context.refType === "revision") return shortHash(context.commit ?? context.ref);
  return context.ref.replace(/^refs\//, "") || shortHash(context.commit ?? "");
}

export function shortHash(hash: string): string {
  return /^[0-9a-f]{40,64}$/.test(hash) ? hash.slice(0, 8) : hash;
}
