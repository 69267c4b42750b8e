import { describe, expect, it, vi } from "vitest";
import { addLogFields, log, redact, withLogFields } from "./log.ts";

function written(work: () => void): Record<string, unknown>[] {
  const lines: string[] = [];
  const spy = vi.spyOn(process.stdout, "write").mockImplementation((text) => lines.push(String(text)) > 0);
  try {
    work();
  } finally {
    spy.mockRestore();
  }
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

describe("log", () => {
  it("writes one JSON line with the invocation's fields, also those that came later", () => {
    const [first, second] = written(() =>
      withLogFields({ requestId: "r" }, () => {
        log.info("one");
        addLogFields({ instanceId: "i" });
        log.warn("two", { n: 1 });
      }),
    );
    expect(first).toMatchObject({ level: "info", message: "one", requestId: "r" });
    expect(second).toMatchObject({ level: "warn", message: "two", requestId: "r", instanceId: "i", n: 1 });
  });

  it("keeps the fields of two invocations apart", () => {
    const lines = written(() => {
      withLogFields({ requestId: "a" }, () => addLogFields({ instanceId: "i" }));
      withLogFields({ requestId: "b" }, () => log.info("x"));
    });
    expect(lines[0]).not.toHaveProperty("instanceId");
  });
});

describe("redact", () => {
  it("replaces what has a secret's name, at any depth", () => {
    const value = {
      a: [{ password: "hunter2", gitCredentials: [{ x: "hunter2" }], Authorization: "hunter2", cookie: "hunter2" }],
    };
    expect(JSON.stringify(redact(value))).not.toContain("hunter2");
  });

  it("keeps what only sounds secret", () => {
    const value = { secretHash: "abc", clientToken: "i.1", tokenCount: 3 };
    expect(redact(value)).toEqual(value);
  });

  it("takes credentials and tickets out of URLs", () => {
    const text = "GET https://me:hunter2@git.test/r?ticket=hunter2&x=1 and ?code=hunter2";
    expect(redact(text)).toBe("GET https://[redacted]@git.test/r?ticket=[redacted]&x=1 and ?code=[redacted]");
  });

  it("spells out errors with their causes", () => {
    const error = new Error("outer", { cause: new Error("inner https://a:b@c.test/") });
    const text = JSON.stringify(redact({ error }));
    expect(text).toContain("outer");
    expect(text).toContain("inner https://[redacted]@c.test/");
  });

  it("ends on circles", () => {
    const circle: Record<string, unknown> = {};
    circle.self = circle;
    expect(JSON.stringify(redact(circle))).toContain("[deeper]");
  });
});
