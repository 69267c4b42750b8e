/** What intrinsic functions are resolved against. */
export interface Scope {
  /** `Ref`: a parameter, a pseudo parameter or a deployed resource; `undefined` when there is none of that name. */
  ref(name: string): unknown;
  /** `Fn::GetAtt` of a deployed resource. @throws when the resource gives no such attribute */
  attribute(logicalId: string, name: string): unknown;
  /** @throws when there is no such condition */
  condition(name: string): boolean;
  mapping(map: string, first: string, second: string): unknown;
}

/** `AWS::NoValue`: the property (or the list's item) is left out. */
const absent = Symbol("AWS::NoValue");

/** The value with every intrinsic function replaced. @throws Error that names what cannot be resolved */
export function resolveIntrinsics(value: unknown, scope: Scope): unknown {
  const resolved = resolve(value, scope);
  return resolved === absent ? undefined : resolved;
}

function resolve(value: unknown, scope: Scope): unknown {
  if (Array.isArray(value)) return value.map((item) => resolve(item, scope)).filter((item) => item !== absent);
  if (typeof value !== "object" || value === null) return value;
  const call = intrinsicCall(value as Record<string, unknown>);
  if (call !== undefined) return callIntrinsic(call.name, call.argument, scope);
  const entries = Object.entries(value).map(([key, item]) => [key, resolve(item, scope)] as const);
  return Object.fromEntries(entries.filter(([, item]) => item !== absent));
}

/** An intrinsic is an object with one key that is `Ref`, `Condition` (with a name) or begins with `Fn::`. */
export function intrinsicCall(value: Record<string, unknown>): { name: string; argument: unknown } | undefined {
  const [name, ...more] = Object.keys(value);
  if (name === undefined || more.length > 0) return undefined;
  const isCall = name === "Ref" || name.startsWith("Fn::") || (name === "Condition" && typeof value[name] === "string");
  return isCall ? { name, argument: value[name] } : undefined;
}

function callIntrinsic(name: string, argument: unknown, scope: Scope): unknown {
  const intrinsic = Object.hasOwn(intrinsics, name) ? intrinsics[name] : undefined;
  if (intrinsic === undefined) throw new Error(`${name} is not modelled by the embedded cloud`);
  return intrinsic(argument, scope);
}

const intrinsics: Readonly<Record<string, (argument: unknown, scope: Scope) => unknown>> = {
  Ref(argument, scope) {
    if (argument === "AWS::NoValue") return absent;
    const value = scope.ref(String(argument));
    if (value === undefined) throw new Error(`Ref ${String(argument)}: there is no such parameter or resource`);
    return value;
  },
  "Fn::GetAtt"(argument, scope) {
    const [logicalId, attribute] = attributeReference(argument);
    return scope.attribute(logicalId, attribute);
  },
  "Fn::Join"(argument, scope) {
    const [separator, items] = list(argument, "Fn::Join", 2);
    return asList(resolve(items, scope), "Fn::Join").map(asText).join(asText(separator));
  },
  "Fn::Split"(argument, scope) {
    const [separator, text] = list(argument, "Fn::Split", 2);
    return asText(resolve(text, scope)).split(asText(separator));
  },
  "Fn::Select"(argument, scope) {
    const [index, items] = list(argument, "Fn::Select", 2);
    const chosen = asList(resolve(items, scope), "Fn::Select")[Number(resolve(index, scope))];
    if (chosen === undefined) throw new Error(`Fn::Select: there is no item ${String(index)}`);
    return chosen;
  },
  "Fn::Sub"(argument, scope) {
    const [text, variables] = Array.isArray(argument) ? argument : [argument, {}];
    const own = resolve(variables, scope) as Record<string, unknown>;
    return asText(text).replace(/\$\{(!?)([^}]+)\}/g, (_match, literal: string, name: string) => {
      if (literal === "!") return `\${${name}}`;
      if (Object.hasOwn(own, name)) return asText(own[name]);
      const dot = name.indexOf(".");
      if (dot > 0) return asText(scope.attribute(name.slice(0, dot), name.slice(dot + 1)));
      return asText(resolve({ Ref: name }, scope));
    });
  },
  "Fn::If"(argument, scope) {
    const [condition, yes, no] = list(argument, "Fn::If", 3);
    return resolve(scope.condition(asText(condition)) ? yes : no, scope);
  },
  "Fn::Equals"(argument, scope) {
    const [left, right] = list(argument, "Fn::Equals", 2);
    return asText(resolve(left, scope)) === asText(resolve(right, scope));
  },
  "Fn::Not"(argument, scope) {
    return resolve(list(argument, "Fn::Not", 1)[0], scope) !== true;
  },
  "Fn::And": (argument, scope) => asList(argument, "Fn::And").every((item) => resolve(item, scope) === true),
  "Fn::Or": (argument, scope) => asList(argument, "Fn::Or").some((item) => resolve(item, scope) === true),
  Condition: (argument, scope) => scope.condition(asText(argument)),
  "Fn::FindInMap"(argument, scope) {
    const [map, first, second] = list(resolve(argument, scope), "Fn::FindInMap", 3).map(asText);
    return scope.mapping(map ?? "", first ?? "", second ?? "");
  },
  "Fn::Base64": (argument, scope) => Buffer.from(asText(resolve(argument, scope))).toString("base64"),
  "Fn::GetAZs": (argument, scope) => {
    const region = asText(resolve(argument, scope)) || asText(scope.ref("AWS::Region"));
    return ["a", "b", "c"].map((zone) => `${region}${zone}`);
  },
  "Fn::Cidr"(argument, scope) {
    const [block, count, bits] = list(resolve(argument, scope), "Fn::Cidr", 3).map(asText);
    return divideBlock(block ?? "", Number(count), Number(bits));
  },
};

/** `["Id", "Name"]` or `"Id.Name"`. */
export function attributeReference(argument: unknown): [logicalId: string, attribute: string] {
  if (typeof argument === "string") {
    const dot = argument.indexOf(".");
    return [argument.slice(0, dot), argument.slice(dot + 1)];
  }
  const [logicalId, attribute] = list(argument, "Fn::GetAtt", 2);
  return [asText(logicalId), asText(attribute)];
}

function divideBlock(block: string, count: number, bits: number): string[] {
  const base = (block.split("/")[0] ?? "").split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
  return Array.from({ length: count }, (_, index) => {
    const address = base + index * 2 ** bits;
    const octets = [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256);
    return `${octets.join(".")}/${32 - bits}`;
  });
}

function list(argument: unknown, name: string, length: number): unknown[] {
  const items = asList(argument, name);
  if (items.length !== length) throw new Error(`${name} takes ${length} arguments`);
  return items;
}

function asList(value: unknown, name: string): unknown[] {
  if (!Array.isArray(value)) throw new Error(`${name} takes a list`);
  return value;
}

function asText(value: unknown): string {
  if (typeof value === "string") return value;
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  throw new Error(`${JSON.stringify(value)} stands where text is expected`);
}
