import { effect } from "@preact/signals";
import type { App } from "../app.ts";
import { repositoryName, stateOf } from "./state-words.ts";

/** Says changes of state to screen readers: words that changed, not every push. @returns what ends it */
export function announceChanges(app: App): () => void {
  const said = new Map<string, string>();
  return effect(() => {
    const news: string[] = [];
    for (const workspace of app.workspaces.list.value) {
      const { word } = stateOf(workspace);
      const before = said.get(workspace.id);
      if (before !== undefined && before !== word) news.push(`${repositoryName(workspace)}: ${word.toLowerCase()}.`);
      said.set(workspace.id, word);
    }
    if (news.length > 0) app.announcement.value = news.join(" ");
  });
}
