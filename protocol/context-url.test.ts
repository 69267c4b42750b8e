import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseContextUrl } from "./context-url.ts";
import { AtelierError } from "./errors.ts";

const HASH = "0123456789abcdef0123456789abcdef01234567";

/** `clone URL [selector]`, so that a table of cases can be read. */
function read(text: string): string {
  const { repository, selector } = parseContextUrl(text);
  const path = "path" in selector && selector.path !== "" ? `:${selector.path}` : "";
  const what = {
    default: () => "HEAD",
    segments: () => (selector.kind === "segments" ? `segments ${selector.segments.join("|")}` : ""),
    name: () => (selector.kind === "name" ? `name ${selector.name}` : ""),
    ref: () => (selector.kind === "ref" ? selector.ref : ""),
    commit: () => (selector.kind === "commit" ? `commit ${selector.commit.slice(0, 4)}` : ""),
  }[selector.kind]();
  return `${repository.cloneUrl} [${what}${path}]`;
}

describe("forms of addresses", () => {
  const shop = "https://github.com/acme/shop.git [HEAD]";
  it.each([
    ["https://github.com/acme/shop", shop],
    ["  https://github.com/acme/shop/ ", shop],
    ["https://github.com/acme/shop.git", shop],
    ["https://www.github.com/acme/shop", shop],
    ["HTTPS://GitHub.com/acme/shop?tab=readme#install", shop],
    ["github.com/acme/shop", shop],
    ["git@github.com:acme/shop.git", shop],
    ["github.com:acme/shop", shop],
    ["ssh://git@github.com/acme/shop.git", shop],
    ["git+ssh://git@github.com:22/acme/shop.git", shop],
    ["localhost:8080/acme/shop.git", "http://localhost:8080/acme/shop.git [HEAD]"],
    ["git.acme.test:8443/acme/shop", "https://git.acme.test:8443/acme/shop [HEAD]"],
    ["git@ssh.dev.azure.com:v3/acme/web/shop", "https://dev.azure.com/acme/web/_git/shop [HEAD]"],
  ])("reads %s", (text, expected) => {
    expect(read(text)).toBe(expected);
  });
});

describe("pages of hosts", () => {
  it.each([
    ["https://github.com/acme/shop/tree/feature/x/src", "https://github.com/acme/shop.git [segments feature|x|src]"],
    ["https://github.com/acme/shop/tree/feature%2Fx", "https://github.com/acme/shop.git [segments feature|x]"],
    ["https://github.com/acme/shop/blob/main/a%20b.txt", "https://github.com/acme/shop.git [segments main|a b.txt]"],
    [`https://github.com/acme/shop/blob/${HASH}/a/b.txt`, "https://github.com/acme/shop.git [commit 0123:a/b.txt]"],
    [`https://github.com/acme/shop/commit/${HASH.toUpperCase()}`, "https://github.com/acme/shop.git [commit 0123]"],
    ["https://github.com/acme/shop/commit/0123456", "https://github.com/acme/shop.git [segments 0123456]"],
    ["https://github.com/acme/shop/commits/main", "https://github.com/acme/shop.git [segments main]"],
    ["https://github.com/acme/shop/pull/7/files", "https://github.com/acme/shop.git [refs/pull/7/head]"],
    ["https://github.com/acme/shop/pull/new", "https://github.com/acme/shop.git [HEAD]"],
    ["https://github.com/acme/shop/releases/tag/v1/rc", "https://github.com/acme/shop.git [refs/tags/v1/rc]"],
    ["https://github.com/acme/shop/issues/7", "https://github.com/acme/shop.git [HEAD]"],
    ["https://github.com/acme/shop/blob/main/x.git", "https://github.com/acme/shop.git [segments main|x.git]"],
    ["https://gitlab.com/a/b/shop/-/blob/main/x.git", "https://gitlab.com/a/b/shop.git [segments main|x.git]"],
    ["https://github.com/acme/tree/tree/main", "https://github.com/acme/tree.git [segments main]"],
    ["https://gitlab.com/a/b/c/shop", "https://gitlab.com/a/b/c/shop.git [HEAD]"],
    [
      "https://gitlab.com/a/b/shop/-/tree/main/src?ref_type=heads",
      "https://gitlab.com/a/b/shop.git [segments main|src]",
    ],
    ["https://gitlab.com/a/shop/blob/main/x", "https://gitlab.com/a/shop.git [segments main|x]"],
    [
      "https://git.acme.test/a/b/shop/-/merge_requests/3/diffs",
      "https://git.acme.test/a/b/shop.git [refs/merge-requests/3/head]",
    ],
    ["https://gitlab.com/a/shop/-/tags/v1", "https://gitlab.com/a/shop.git [refs/tags/v1]"],
    ["https://bitbucket.org/acme/shop/src/main/lib/", "https://bitbucket.org/acme/shop.git [segments main|lib]"],
    [
      `https://bitbucket.org/acme/shop/src/${HASH}/lib?at=feature%2Fx`,
      "https://bitbucket.org/acme/shop.git [name feature/x:lib]",
    ],
    ["https://bitbucket.org/acme/shop/branch/feature/x", "https://bitbucket.org/acme/shop.git [refs/heads/feature/x]"],
    ["https://bitbucket.org/acme/shop/commits/tag/v1", "https://bitbucket.org/acme/shop.git [refs/tags/v1]"],
    [
      "https://bb.acme.test/projects/WEB/repos/shop/browse/lib?at=refs%2Fheads%2Fx",
      "https://bb.acme.test/scm/web/shop.git [refs/heads/x:lib]",
    ],
    [
      "https://bb.acme.test/users/ann/repos/shop/pull-requests/4/overview",
      "https://bb.acme.test/scm/~ann/shop.git [refs/pull-requests/4/from]",
    ],
    ["https://codeberg.org/acme/shop/src/branch/feature/x", "https://codeberg.org/acme/shop.git [segments feature|x]"],
    ["https://gitea.acme.test/acme/shop/src/tag/v1/lib", "https://gitea.acme.test/acme/shop.git [segments v1|lib]"],
    [`https://codeberg.org/acme/shop/src/commit/${HASH}/lib`, "https://codeberg.org/acme/shop.git [commit 0123:lib]"],
    ["https://codeberg.org/acme/shop/pulls/9", "https://codeberg.org/acme/shop.git [refs/pull/9/head]"],
    [
      "https://dev.azure.com/acme/web/_git/shop?version=GBfeature/x&path=/lib",
      "https://dev.azure.com/acme/web/_git/shop [refs/heads/feature/x:lib]",
    ],
    ["https://dev.azure.com/acme/web", "https://dev.azure.com/acme/web/_git/web [HEAD]"],
    [
      "http://127.0.0.1:8080/some/dir/repo.git/tree/feature/x/path",
      "http://127.0.0.1:8080/some/dir/repo.git [segments feature|x|path]",
    ],
    ["http://127.0.0.1:8080/repo.git", "http://127.0.0.1:8080/repo.git [HEAD]"],
    ["https://git.acme.test/repo", "https://git.acme.test/repo [HEAD]"],
    ["https://git.acme.test/deep/down/repo/tree/main", "https://git.acme.test/deep/down/repo [segments main]"],
    ["https://git.acme.test/repo/tree/main", "https://git.acme.test/repo [segments main]"],
    ["https://git.acme.test/acme/src", "https://git.acme.test/acme/src [HEAD]"],
  ])("reads %s", (text, expected) => {
    expect(read(text)).toBe(expected);
  });

  it("names owner and repository", () => {
    const { repository } = parseContextUrl("https://gitlab.com/a/b/shop.git/-/tree/main");
    expect(repository).toEqual({
      host: "gitlab.com",
      owner: "a/b",
      name: "shop",
      cloneUrl: "https://gitlab.com/a/b/shop.git",
    });
  });
});

describe("credentials", () => {
  it("are split off, decoded, and stand in nothing else", () => {
    const parsed = parseContextUrl("https://ann:p%40ss@git.acme.test/acme/shop/tree/main");
    expect(parsed.credential).toEqual({ username: "ann", password: "p@ss" });
    expect(JSON.stringify({ ...parsed, credential: undefined })).not.toMatch(/ann|p@ss|p%40ss/);
    expect(parsed.normalizedUrl).toBe("https://git.acme.test/acme/shop/tree/main");
  });

  it("may be a token alone", () => {
    expect(parseContextUrl("https://tok@github.com/acme/shop").credential).toEqual({ username: "tok", password: "" });
    expect(parseContextUrl("https://github.com/acme/shop").credential).toBeUndefined();
  });

  it.each([
    ["first.last:token@git.acme.test/acme/shop", "https://git.acme.test/acme/shop", "first.last", "token"],
    ["ann:token@git.acme.test:8443/acme/shop", "https://git.acme.test:8443/acme/shop", "ann", "token"],
    ["first.last:to:k@en@git.acme.test/acme/shop", "https://git.acme.test/acme/shop", "first.last", "to:k@en"],
    ["first.last:token@localhost:8080/acme/shop", "http://localhost:8080/acme/shop", "first.last", "token"],
    ["first.last:123@git.acme.test/acme/shop", "https://git.acme.test/acme/shop", "first.last", "123"],
  ])("in %s go to the host behind the @ alone", (text, cloneUrl, username, password) => {
    const { repository, credential } = parseContextUrl(text);
    expect({ cloneUrl: repository.cloneUrl, credential }).toEqual({ cloneUrl, credential: { username, password } });
  });

  it("go to no other host, whatever they are made of", () => {
    const part = fc.stringMatching(/^[a-zA-Z0-9.:@_-]{1,12}$/);
    fc.assert(
      fc.property(part, part, (username, password) => {
        const text = `u${username.replaceAll(/[:@]/g, "")}:${password}@git.acme.test/acme/shop`;
        expect(parseContextUrl(text).repository.host).toBe("git.acme.test");
      }),
    );
  });

  it("of SSH addresses are no credentials for https", () => {
    expect(parseContextUrl("ssh://git@git.acme.test/acme/shop.git").credential).toBeUndefined();
    expect(parseContextUrl("git@git.acme.test:acme/shop.git").credential).toBeUndefined();
  });
});

describe("what cannot be opened", () => {
  it.each([
    ["", "Paste the URL"],
    ["hello world", "spaces"],
    ["https://github.com/acme/shop\nhttps://evil.test/x/y", "line breaks"],
    ["hello", "not a URL"],
    ["https://", "not a URL"],
    ["[Object]", "not a URL"],
    ["acme/shop", "https://github.com/acme/shop?"],
    ["/home/ann/shop", "path of a file"],
    ["./shop", "path of a file"],
    ["~/shop", "path of a file"],
    ["C:\\code\\shop", "path of a file"],
    ["file:///home/ann/shop", "path of a file"],
    ["git://git.acme.test/shop", "git:"],
    ["ftp://git.acme.test/shop", "ftp:"],
    ["javascript:alert(1)", "javascript:"],
    ["https://github.com", "names no repository"],
    ["https://github.com/acme", "https://github.com/<owner>/<repository>"],
    ["https://git.acme.test/", "names no repository"],
    ["https://git.acme.test/.git", "names no repository"],
    ["https://bitbucket.org/acme/shop/pull-requests/3", "pull request"],
    ["https://github.com/acme/shop/tree/main/..%2f..%2fetc", "parts that no repository has"],
    ["https://github.com/acme/shop/tree/a%00b", "parts that no repository has"],
  ])("says of %j what to do", (text, hint) => {
    try {
      parseContextUrl(text);
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(AtelierError);
      expect(error).toMatchObject({ kind: "CONTEXT_INVALID", message: expect.stringContaining(hint) });
    }
  });
});

describe("any text", () => {
  const host = fc.constantFrom(
    "github.com",
    "gitlab.com",
    "bitbucket.org",
    "codeberg.org",
    "dev.azure.com",
    "git.acme.test:8443",
    "127.0.0.1:80",
  );
  const word = fc.constantFrom(
    ..."- tree blob src branch tag commit commits pull 7 releases main a.git .git shop _git projects repos users scm %2F %41 .. ü".split(
      " ",
    ),
  );
  const pasted = fc
    .tuple(
      fc.constantFrom("https://", "http://", "", "ssh://git@", "https://u:p@"),
      host,
      fc.array(word, { maxLength: 8 }),
    )
    .map(([scheme, name, words]) => `${scheme}${name}/${words.join("/")}`);

  it("is read or refused with CONTEXT_INVALID, never anything else", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.webUrl(), pasted), (text) => {
        try {
          const { repository } = parseContextUrl(text);
          expect(repository.name).not.toBe("");
          expect(repository.cloneUrl).toMatch(/^https?:\/\//);
        } catch (error) {
          expect(error).toMatchObject({ kind: "CONTEXT_INVALID" });
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it("that was read and normalised reads the same again", () => {
    fc.assert(
      fc.property(pasted, (text) => {
        let first: ReturnType<typeof parseContextUrl>;
        try {
          first = parseContextUrl(text);
        } catch {
          return;
        }
        const { credential: _credential, ...rest } = first;
        expect(parseContextUrl(first.normalizedUrl)).toEqual(rest);
      }),
      { numRuns: 2_000 },
    );
  });
});
