import type { ComponentChildren } from "preact";
import type { AtelierError, ErrorName } from "#protocol/errors.ts";

const TITLES: Partial<Record<ErrorName, string>> = {
  CONTEXT_INVALID: "This cannot be opened",
  REPOSITORY_NOT_FOUND: "There is no repository there",
  REPOSITORY_ACCESS_DENIED: "No access to this repository",
  REF_NOT_FOUND: "This branch, tag or commit does not exist",
  HOST_UNREACHABLE: "The Git host does not answer",
  TOO_MANY_RUNNING: "Too many workspaces are running",
  UNAVAILABLE: "No answer for now",
  TOO_MANY_REQUESTS: "Too many requests",
  NOT_FOUND: "This workspace does not exist",
  PERMISSION_DENIED: "This is not yours to do",
  CONFLICT: "Not possible right now",
  VERSION_MISMATCH: "This page is out of date",
  INVALID_PARAMS: "This cannot be opened",
};

export function problemTitle(error: AtelierError): string {
  return TITLES[error.kind] ?? "Something went wrong";
}

/** What happened, why, and the things that one can do. */
export function Problem({ title, text, children }: { title: string; text: string; children?: ComponentChildren }) {
  return (
    <div role="alert" class="rounded-lg border border-failed-line bg-failed-ground p-4 sm:p-6">
      <h2 class="text-base leading-6 font-semibold text-failed">{title}</h2>
      <p class="mt-1 max-w-prose wrap-anywhere whitespace-pre-line">{text}</p>
      {children && <div class="mt-4 flex flex-wrap gap-2">{children}</div>}
    </div>
  );
}
