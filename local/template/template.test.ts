// biome-ignore-all lint/suspicious/noTemplateCurlyInString: they are CloudFormation's
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ResourceProvider } from "../service.ts";
import { buildRegistry } from "./check-template.ts";
import { deployTemplate } from "./deploy-template.ts";
import { loadSynthesized, type Template } from "./load-template.ts";
import { orderResources } from "./order-resources.ts";
import { resolveIntrinsics, type Scope } from "./resolve-intrinsics.ts";
import { resolveParameters } from "./resolve-parameters.ts";

const deployed: { logicalId: string; properties: unknown }[] = [];
const thing: ResourceProvider = {
  properties: { Name: "executed", Of: "executed", Tags: { inert: "describes" } },
  async deploy(logicalId, properties) {
    if (properties.Name === "broken") throw new Error("Name: broken is not modelled");
    deployed.push({ logicalId, properties });
    return { ref: `ref-${logicalId}`, attributes: { Arn: `arn-${logicalId}` } };
  },
};
const registry = buildRegistry([{ "Test::Thing": thing }]);

function deploy(template: Template, parameters: Record<string, string> = {}) {
  deployed.length = 0;
  return deployTemplate({
    template,
    parameters: resolveParameters(template, parameters),
    registry,
    stackName: "Test",
    region: "us-east-1",
    accountId: "000000000000",
  });
}

describe("deploying a template", () => {
  it("makes each resource after what it refers to, with references resolved", async () => {
    const stack = await deploy({
      Resources: {
        Last: { Type: "Test::Thing", Properties: { Of: { "Fn::Sub": "${Middle.Arn}/${AWS::Region}" } } },
        Middle: { Type: "Test::Thing", Properties: { Of: { "Fn::Join": ["-", ["x", { Ref: "First" }]] } } },
        First: { Type: "Test::Thing", DependsOn: "Zero" },
        Zero: { Type: "Test::Thing" },
      },
      Outputs: { Where: { Value: { "Fn::GetAtt": ["Last", "Arn"] } } },
    });
    expect(deployed.map(({ logicalId }) => logicalId)).toEqual(["Zero", "First", "Middle", "Last"]);
    expect(deployed[2]?.properties).toEqual({ Of: "x-ref-First" });
    expect(deployed[3]?.properties).toEqual({ Of: "arn-Middle/us-east-1" });
    expect(stack.outputs).toEqual({ Where: "arn-Last" });
  });

  it("lists every refused type and property by logical id, and makes nothing", async () => {
    const template: Template = {
      Resources: {
        Fine: { Type: "Test::Thing" },
        Strange: { Type: "Test::Unknown" },
        Typo: { Type: "Test::Thing", Properties: { Nmae: "x", Name: "y" } },
      },
    };
    await expect(deploy(template)).rejects.toThrow(/Strange: Test::Unknown.*\n.*Typo: Nmae of Test::Thing/);
    expect(deployed).toEqual([]);
  });

  it("names the resource whose value is refused, and not those that waited for it", async () => {
    const template: Template = {
      Resources: {
        Bad: { Type: "Test::Thing", Properties: { Name: "broken" } },
        After: { Type: "Test::Thing", Properties: { Of: { Ref: "Bad" } } },
      },
    };
    const failure = await deploy(template).catch((error: Error) => error.message);
    expect(failure).toContain("Bad (Test::Thing): Name: broken is not modelled");
    expect(failure).not.toContain("After");
  });

  it("leaves out what its condition excludes, and properties without a value", async () => {
    await deploy(
      {
        Parameters: { Mode: { Type: "String" } },
        Conditions: { Big: { "Fn::Equals": [{ Ref: "Mode" }, "big"] } },
        Resources: {
          Extra: { Type: "Test::Thing", Condition: "Big" },
          Plain: {
            Type: "Test::Thing",
            Properties: { Name: { "Fn::If": ["Big", "b", { Ref: "AWS::NoValue" }] }, Of: 1 },
          },
        },
      },
      { Mode: "small" },
    );
    expect(deployed).toEqual([{ logicalId: "Plain", properties: { Of: 1 } }]);
  });

  it("names the members of a circular dependency", async () => {
    const of = (name: string) => ({ Type: "Test::Thing", Properties: { Of: { Ref: name } } });
    await expect(deploy({ Resources: { A: of("B"), B: of("C"), C: of("A") } })).rejects.toThrow("A → B → C → A");
  });
});

describe("parameters", () => {
  const template: Template = {
    Resources: {},
    Parameters: {
      Scheme: { Type: "String", Default: "https", AllowedValues: ["http", "https"] },
      Count: { Type: "Number", MinValue: 1, MaxValue: 3 },
      Zones: { Type: "CommaDelimitedList", Default: "a, b" },
    },
  };

  it("fill in defaults and split lists", () => {
    expect(resolveParameters(template, { Count: "2" })).toEqual({ Scheme: "https", Count: "2", Zones: ["a", "b"] });
  });

  it("are refused all at once: unknown, missing and unsuitable ones", () => {
    const given = { Scheme: "ftp", Colour: "red" };
    expect(() => resolveParameters(template, given)).toThrow(/Colour: .*\n.*Scheme: .*\n.*Count: no value/);
    expect(() => resolveParameters(template, { Count: "4" })).toThrow("Count: is more than 3");
  });
});

describe("intrinsic functions", () => {
  const scope: Scope = {
    ref: (name) => ({ Text: "a/b/c", List: ["x", "y"], "AWS::Region": "eu-west-1" })[name],
    attribute: (logicalId, name) => `${logicalId}:${name}`,
    condition: (name) => name === "Yes",
    mapping: (...path) => path.join("/"),
  };
  const cases: [unknown, unknown][] = [
    [{ "Fn::Select": [1, { "Fn::Split": ["/", { Ref: "Text" }] }] }, "b"],
    [{ "Fn::Join": [",", { Ref: "List" }] }, "x,y"],
    [{ "Fn::Sub": ["${A}-${!B}-${Thing.Arn}", { A: { Ref: "Text" } }] }, "a/b/c-${B}-Thing:Arn"],
    [{ "Fn::GetAtt": "Thing.Nested.Name" }, "Thing:Nested.Name"],
    [{ "Fn::If": ["Yes", 1, 2] }, 1],
    [{ "Fn::Or": [{ Condition: "No" }, { "Fn::Not": [{ Condition: "No" }] }] }, true],
    [{ "Fn::FindInMap": ["M", { Ref: "AWS::Region" }, "k"] }, "M/eu-west-1/k"],
    [{ "Fn::Base64": "hi" }, "aGk="],
    [{ "Fn::GetAZs": "" }, ["eu-west-1a", "eu-west-1b", "eu-west-1c"]],
    [{ "Fn::Cidr": ["10.0.0.0/16", 2, 8] }, ["10.0.0.0/24", "10.0.1.0/24"]],
    [
      { Statement: { Condition: { StringEquals: { a: "b" } } } },
      { Statement: { Condition: { StringEquals: { a: "b" } } } },
    ],
  ];

  it.each(cases)("resolve %j", (value, expected) => {
    expect(resolveIntrinsics(value, scope)).toEqual(expected);
  });

  it("refuse what is not modelled by its name", () => {
    expect(() => resolveIntrinsics({ "Fn::ImportValue": "other" }, scope)).toThrow("Fn::ImportValue is not modelled");
    expect(() => resolveIntrinsics({ Ref: "Nothing" }, scope)).toThrow("Ref Nothing");
  });

  it("leave values without intrinsics as they are", () => {
    const plain = fc
      .jsonValue()
      .filter((value) => !/"(Ref|Condition|Fn::[^"]*|__proto__)":/.test(JSON.stringify(value)));
    fc.assert(
      fc.property(plain, (value) => {
        expect(resolveIntrinsics(value, scope)).toEqual(value);
      }),
    );
  });
});

it("orders any graph without cycles so that dependencies come first", () => {
  const graph = fc.array(fc.array(fc.nat(30), { maxLength: 4 }), { minLength: 1, maxLength: 30 });
  fc.assert(
    fc.property(graph, (edges) => {
      const dependencies = new Map(
        edges.map((to, from) => [`${from}`, new Set(to.filter((n) => n < from).map(String))]),
      );
      const order = orderResources(dependencies);
      expect(order.toSorted()).toEqual([...dependencies.keys()].toSorted());
      for (const [from, to] of dependencies) {
        for (const before of to) expect(order.indexOf(before)).toBeLessThan(order.indexOf(from));
      }
    }),
  );
});

describe("a synthesized directory", () => {
  it("gives the template and the folders of its assets", () => {
    const directory = mkdtempSync(join(tmpdir(), "template-"));
    writeFileSync(join(directory, "Some.template.json"), JSON.stringify({ Resources: {} }));
    const files = { abc: { source: { path: "asset.abc" } } };
    writeFileSync(join(directory, "Some.assets.json"), JSON.stringify({ files }));
    const synthesized = loadSynthesized(directory);
    expect(synthesized).toMatchObject({ stackName: "Some", assets: { abc: join(directory, "asset.abc") } });
  });

  it("is asked for when it is not there", () => {
    expect(() => loadSynthesized("/nowhere/at/all")).toThrow("synthesize the stack first");
  });
});
