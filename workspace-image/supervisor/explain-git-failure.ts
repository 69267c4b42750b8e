/** Turns what Git said into a sentence for the person who waits, and whether trying again at once can help. */

export interface GitFailure {
  readonly sentence: string;
  readonly isPassing: boolean;
}

interface Rule {
  readonly sign: RegExp;
  readonly isPassing?: true;
  readonly sentence: (at: { url: string; ref: string; host: string }) => string;
}

/** The first that fits counts. Texts are those of Git in the C locale. */
const RULES: readonly Rule[] = [
  {
    sign: /No space left on device|ENOSPC|Disk quota exceeded/i,
    sentence: ({ url }) =>
      `The disk is full: ${url} does not fit into this workspace. Delete workspaces that are no longer needed, or choose a class with a larger disk.`,
  },
  {
    sign: /Remote branch .* not found|couldn't find remote ref|not our ref|no such remote ref|reference is not a tree|unable to read tree|pathspec .* did not match|is not a commit and a branch|invalid object name|invalid reference|does not allow request for unadvertised/i,
    sentence: ({ url, ref }) =>
      `${ref} is no longer in ${url}. Look whether it was renamed or deleted, and open the workspace from a URL that exists.`,
  },
  {
    sign: /Authentication failed|could not read (Username|Password)|terminal prompts disabled|error: 40[13]\b|HTTP 40[13]\b|returned error: 40[13]|Invalid username or (token|password)|access denied/i,
    sentence: ({ url, host }) =>
      `${host} does not give access to ${url}. Sign in to ${host} with an account that may read this repository, and start again.`,
  },
  {
    sign: /repository .* not found|error: 404\b|returned error: 404|does not appear to be a git repository|not valid: is this a git repository/i,
    sentence: ({ url }) => `There is no Git repository at ${url}. Check the URL, and whether you may see it.`,
  },
  {
    sign: /Could not resolve host|Failed to connect|Connection (refused|timed out|reset)|Couldn't connect|Operation too slow|early EOF|RPC failed|unexpected disconnect|returned error: (429|5\d\d)|SSL|gnutls|remote end hung up|No answer for/i,
    isPassing: true,
    sentence: ({ url, host }) =>
      `${host} does not answer as it should, so ${url} could not be cloned. Try again in a moment; if it lasts, look whether ${host} is up and can be reached from here.`,
  },
];

/** @param output what Git wrote; @param ref as a person would call it */
export function explainGitFailure(output: string, url: string, ref: string): GitFailure {
  const host = URL.parse(url)?.host ?? url;
  const rule = RULES.find(({ sign }) => sign.test(output));
  if (rule) return { sentence: rule.sentence({ url, ref, host }), isPassing: rule.isPassing ?? false };
  const last = output.trim().split("\n").at(-1)?.slice(0, 300) || "Git said nothing";
  return {
    sentence: `${url} could not be cloned (${last}). The log shows what Git said; start again once that is mended.`,
    isPassing: false,
  };
}
