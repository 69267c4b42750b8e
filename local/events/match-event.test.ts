import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compilePattern } from "./match-event.ts";
import { readSchedule } from "./read-schedule.ts";

const event = {
  source: "aws.ecs",
  "detail-type": "ECS Task State Change",
  resources: ["arn:one", "arn:two"],
  detail: { lastStatus: "RUNNING", version: 4, containers: [{ name: "a" }, { name: "b" }], ip: "10.1.2.3", gone: null },
};

const matching: [string, unknown][] = [
  ["exact", { source: ["aws.ecs", "other"], detail: { version: [4] } }],
  ["an element of an array", { resources: ["arn:two"] }],
  ["a field in an array of objects", { detail: { containers: { name: ["b"] } } }],
  ["prefix", { source: [{ prefix: "aws." }] }],
  ["prefix without case", { source: [{ prefix: { "equals-ignore-case": "AWS." } }] }],
  ["suffix", { "detail-type": [{ suffix: "Change" }] }],
  ["wildcard", { "detail-type": [{ wildcard: "ECS*State*" }] }],
  ["equals-ignore-case", { detail: { lastStatus: [{ "equals-ignore-case": "running" }] } }],
  ["anything-but", { detail: { lastStatus: [{ "anything-but": ["STOPPED", "PENDING"] }] } }],
  ["anything-but of a prefix", { source: [{ "anything-but": { prefix: "acme" } }] }],
  ["numeric", { detail: { version: [{ numeric: [">", 3, "<=", 4] }] } }],
  ["exists", { detail: { lastStatus: [{ exists: true }], stoppedAt: [{ exists: false }] } }],
  ["null", { detail: { gone: [null] } }],
  ["cidr", { detail: { ip: [{ cidr: "10.0.0.0/8" }] } }],
  ["$or", { $or: [{ source: ["nobody"] }, { detail: { version: [4] } }] }],
];
const failing: [string, unknown][] = [
  ["exact of another type", { detail: { version: ["4"] } }],
  ["a missing field", { detail: { stoppedAt: [{ "anything-but": "x" }] } }],
  ["anything-but an element", { resources: [{ "anything-but": "arn:two" }] }],
  ["numeric on text", { source: [{ numeric: [">", 0] }] }],
  ["exists on an object", { detail: [{ exists: true }] }],
  ["cidr outside", { detail: { ip: [{ cidr: "192.168.0.0/16" }] } }],
  ["$or without a match", { $or: [{ source: ["nobody"] }, { detail: { version: [5] } }] }],
  ["one of two fields", { source: ["aws.ecs"], detail: { version: [5] } }],
];

describe("an event pattern", () => {
  it.each(matching)("matches by %s", (_name, pattern) => expect(compilePattern(pattern)(event)).toBe(true));
  it.each(failing)("does not match %s", (_name, pattern) => expect(compilePattern(pattern)(event)).toBe(false));

  it.each([
    { source: "aws.ecs" },
    { source: [] },
    { source: [{ regex: "a" }] },
    { source: [{ prefix: 1 }] },
    { detail: { version: [{ numeric: ["~", 1] }] } },
    { $or: [{}] },
    { detail: { ip: [{ cidr: "ten" }] } },
  ])("that is not understood is refused: %j", (pattern) => {
    expect(() => compilePattern(pattern)).toThrow();
  });

  it("with wildcards decides as a regular expression would", () => {
    const unit = fc.constantFrom("a", "b", "*");
    fc.assert(
      fc.property(
        fc.string({ unit, maxLength: 7 }),
        fc.string({ unit: fc.constantFrom("a", "b"), maxLength: 9 }),
        (pattern, text) => {
          const expected = new RegExp(`^${pattern.replace(/\*/g, ".*")}$`).test(text);
          expect(compilePattern({ a: [{ wildcard: pattern }] })({ a: text })).toBe(expected);
        },
      ),
    );
  });

  it("made of an event's own fields matches that event", () => {
    const leaf = fc.oneof(fc.string(), fc.integer(), fc.boolean());
    const { tree } = fc.letrec<{ tree: Record<string, unknown> }>((tie) => ({
      tree: fc.dictionary(fc.stringMatching(/^[a-z]{1,3}$/), fc.oneof({ depthSize: "small" }, leaf, tie("tree")), {
        maxKeys: 3,
      }),
    }));
    const toPattern = (value: unknown): unknown =>
      typeof value === "object" && value !== null
        ? Object.fromEntries(Object.entries(value).map(([key, item]) => [key, toPattern(item)]))
        : [value];
    fc.assert(fc.property(tree, (value) => compilePattern(toPattern(value))(value)));
  });
});

describe("a schedule", () => {
  it.each([
    ["rate(1 minute)", 60_000],
    ["rate(5 minutes)", 300_000],
    ["rate(2 hours)", 7_200_000],
    ["rate(1 day)", 86_400_000],
  ])("of %s is understood", (expression, ms) => expect(readSchedule(expression)).toBe(ms));
  it.each(["rate(1 minutes)", "rate(2 minute)", "rate(0 minutes)", "cron(0 * * * ? *)", ""])(
    "of %j is refused",
    (expression) => {
      expect(() => readSchedule(expression)).toThrow("is not modelled");
    },
  );
});
