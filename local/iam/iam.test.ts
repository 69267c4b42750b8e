import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createIam } from "./create-iam.ts";
import { matchesPattern } from "./match-pattern.ts";

async function roleWith(...statements: unknown[]) {
  const iam = createIam({ accountId: "000000000000" });
  const role = await iam.resources["AWS::IAM::Role"]?.deploy("Role", {});
  await iam.resources["AWS::IAM::Policy"]?.deploy("Policy", {
    PolicyName: "p",
    Roles: [role?.ref],
    PolicyDocument: { Statement: statements },
  });
  return (action: string, resource: string) => iam.check(String(role?.attributes?.Arn), action, resource);
}

describe("a role", () => {
  it("is allowed what its policies grant, with wildcards in actions and resources", async () => {
    const check = await roleWith({
      Effect: "Allow",
      Action: ["dynamodb:*Item", "sqs:SendMessage"],
      Resource: "arn:*:table/t",
    });
    expect(check("dynamodb:GetItem", "arn:x:table/t")).toBe("allowed");
    expect(check("DYNAMODB:getitem", "arn:x:table/t")).toBe("allowed");
    expect(check("dynamodb:Query", "arn:x:table/t")).toBe("not granted");
    expect(check("dynamodb:GetItem", "arn:x:table/other")).toBe("not granted");
  });

  it("is denied what any statement denies", async () => {
    const check = await roleWith(
      { Effect: "Allow", Action: "*", Resource: "*" },
      { Effect: "Deny", Action: "s3:*", NotResource: "arn:mine" },
    );
    expect(check("s3:GetObject", "arn:other")).toBe("denied");
    expect(check("s3:GetObject", "arn:mine")).toBe("allowed");
  });

  it("that the template does not make is granted nothing", () => {
    const iam = createIam({ accountId: "000000000000" });
    expect(iam.check("arn:aws:iam::1:role/nobody", "s3:GetObject", "*")).toBe("not granted");
  });

  it("refuses statements with keys that are not modelled", async () => {
    await expect(roleWith({ Effect: "Allow", Actions: "*", Resource: "*" })).rejects.toThrow("Actions");
  });
});

it("matches patterns as the regular expression would", () => {
  const letters = fc.string({ unit: fc.constantFrom("a", "b", "*", "?"), maxLength: 8 });
  const text = fc.string({ unit: fc.constantFrom("a", "b"), maxLength: 10 });
  fc.assert(
    fc.property(letters, text, (pattern, value) => {
      const expression = new RegExp(`^${pattern.replace(/\*/g, ".*").replace(/\?/g, ".")}$`);
      expect(matchesPattern(pattern, value)).toBe(expression.test(value));
    }),
  );
});
