import { describe, expect, it } from "vitest";
import { answer } from "./serve-credentials.ts";

const CREDENTIALS = [{ host: "git.acme.test:8443", username: "ada", password: "secret" }];

describe("answer", () => {
  it("gives the password for the exact host over https", () => {
    expect(answer("protocol=https\nhost=git.acme.test:8443\n", CREDENTIALS)).toBe("username=ada\npassword=secret\n");
  });

  it.each([
    ["another port", "protocol=https\nhost=git.acme.test\n"],
    ["a host that ends alike", "protocol=https\nhost=evil-git.acme.test:8443\n"],
    ["plain http", "protocol=http\nhost=git.acme.test:8443\n"],
    ["another user", "protocol=https\nhost=git.acme.test:8443\nusername=eve\n"],
    ["nothing", ""],
  ])("gives nothing for %s", (_case, question) => {
    expect(answer(question, CREDENTIALS)).toBe("");
  });

  it("never answers with a line of its own making", () => {
    const odd = [{ host: "h", username: "a\nhost=evil", password: "p" }];
    expect(answer("protocol=https\nhost=h\n", odd)).toBe("");
  });
});
