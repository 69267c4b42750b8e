/**
 * Makes the workbench open the workspace's folder at the clean URL. VS Code's server has an option for it (`default-folder`) that
 * code-server does not pass on; what the option would do is to add `folderUri` to the configuration in the page, and so does this.
 */
import { escapeHtml } from "./honest-pages.ts";

export interface Opening {
  /** Absolute path of the folder. */
  readonly folder: string;
  /** Absolute path of a file to show first. */
  readonly file?: string | undefined;
  /** `location.host` of the browser, which is how the workbench names the machine. */
  readonly authority: string;
}

const TAG = /(<meta id="vscode-workbench-web-configuration" data-settings=")([^"]*)(">)/;

/** @returns the page with the folder in its configuration; the same page when it carries none or opens something else already */
export function openFolder(page: string, { folder, file, authority }: Opening): string {
  const match = TAG.exec(page);
  if (!match) return page;
  const configuration = readJson(unescapeHtml(match[2] as string));
  if (!configuration || configuration.folderUri || configuration.workspaceUri) return page;
  const at = (path: string): object => ({ scheme: "vscode-remote", authority, path });
  const changed = {
    ...configuration,
    folderUri: at(folder),
    // Only the first time that this browser opens the workspace; later it shows what was open.
    ...(file ? { defaultLayout: { editors: [{ uri: at(file), openOnlyIfExists: true }] } } : {}),
  };
  const start = match.index + (match[1] as string).length;
  const end = start + (match[2] as string).length;
  return page.slice(0, start) + escapeHtml(JSON.stringify(changed)) + page.slice(end);
}

function readJson(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

const ENTITIES: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', "#39": "'" };

function unescapeHtml(text: string): string {
  return text.replaceAll(/&(amp|lt|gt|quot|#39);/g, (_whole, name: string) => ENTITIES[name] as string);
}
