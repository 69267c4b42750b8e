import { type ContextSelector, parseContextUrl } from "#protocol/context-url.ts";
import { AtelierError } from "#protocol/errors.ts";

/** What can be said of a URL before anybody is asked. */
export type Recognised =
  | { readonly problem: string }
  | {
      readonly host: string;
      readonly repository: string;
      readonly ref: { readonly name: string; readonly value: string };
      readonly hasCredential: boolean;
    };

export function recogniseUrl(text: string): Recognised {
  try {
    const { repository, selector, credential } = parseContextUrl(text);
    return {
      host: repository.host,
      repository: repository.owner ? `${repository.owner}/${repository.name}` : repository.name,
      ref: sayRef(selector),
      hasCredential: credential !== undefined,
    };
  } catch (error) {
    if (error instanceof AtelierError) return { problem: error.message };
    throw error;
  }
}

function sayRef(selector: ContextSelector): { name: string; value: string } {
  switch (selector.kind) {
    case "default":
      return { name: "Branch", value: "the default one" };
    case "segments":
      return { name: "Ref", value: selector.segments.join("/") };
    case "name":
      return { name: "Ref", value: selector.name };
    case "commit":
      return { name: "Commit", value: selector.commit.slice(0, 8) };
    case "ref": {
      const [, kind, name = ""] = /^refs\/(heads|tags)\/(.+)$/.exec(selector.ref) ?? [];
      if (kind) return { name: kind === "heads" ? "Branch" : "Tag", value: name };
      return { name: "Ref", value: selector.ref.replace(/^refs\//, "") };
    }
  }
}
