export type Recognised =
  | { readonly problem: string }
  | {
      readonly host: string;
      readonly repository: string;
      readonly ref?: { readonly name: string; readonly value: string };
    };
export function recogniseUrl(text: string): Recognised {
  const m = /^(?:https?:\/\/|git@|ssh:\/\/)?([^/:]+(?::\d+)?)[/:]([^/]+\/[^/]+?)(?:\.git)?(?:\/tree\/(.*))?$/.exec(
    text.trim(),
  );
  if (!m) return { problem: "This does not look like a Git URL yet." };
  return { host: m[1]!, repository: m[2]!, ...(m[3] ? { ref: { name: "Ref", value: m[3] } } : {}) };
}
