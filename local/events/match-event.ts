import { BlockList, isIP } from "node:net";

/** A compiled event pattern of EventBridge. */
export type EventMatcher = (event: unknown) => boolean;
type Leaf = (value: unknown) => boolean;
/** The value that stands for a field which is not there. */
const missing = Symbol("missing");

/**
 * Compiles an event pattern: every field named must match one of its alternatives; arrays in the event match when one
 * of their elements does.
 * @throws Error that says where the pattern is not understood
 */
export function compilePattern(pattern: unknown, where = ""): EventMatcher {
  if (!isObject(pattern)) throw new Error(`the event pattern ${where || "as a whole"} is no object`);
  const checks = Object.entries(pattern).map(([name, expected]): EventMatcher => {
    const path = where === "" ? name : `${where}.${name}`;
    if (name === "$or") {
      if (!Array.isArray(expected) || expected.length < 2)
        throw new Error(`${path} takes a list of two patterns or more`);
      const alternatives = expected.map((each) => compilePattern(each, where));
      return (event) => alternatives.some((matches) => matches(event));
    }
    const matches = Array.isArray(expected) ? anyOf(expected, path) : descend(compilePattern(expected, path));
    return (event) => matches(isObject(event) && Object.hasOwn(event, name) ? event[name] : missing);
  });
  return (event) => checks.every((check) => check(event));
}

/** A nested pattern also looks into each element of an array; a field that is missing is an empty object to it. */
function descend(matches: EventMatcher): Leaf {
  return (value) =>
    Array.isArray(value) ? value.some((each) => matches(each)) : matches(value === missing ? {} : value);
}

function anyOf(alternatives: readonly unknown[], path: string): Leaf {
  if (alternatives.length === 0) throw new Error(`${path} lists nothing that could match`);
  const leaves = alternatives.map((alternative) => compileLeaf(alternative, path));
  return (value) => leaves.some((leaf) => leaf(value));
}

function compileLeaf(alternative: unknown, path: string): Leaf {
  if (!isObject(alternative)) return overElements((value) => value === alternative);
  const [entry, ...more] = Object.entries(alternative);
  if (entry === undefined || more.length > 0) throw new Error(`${path}: an alternative has exactly one operator`);
  const [operator, operand] = entry;
  if (operator === "exists") {
    // An object is no leaf: EventBridge says that it does not exist.
    const exists = (value: unknown): boolean => value !== missing && !isObject(value);
    return (value) => exists(value) === operand;
  }
  if (operator === "anything-but") return anythingBut(operand, path);
  return overElements(compileOperator(operator, operand, path));
}

function compileOperator(operator: string, operand: unknown, path: string): (value: unknown) => boolean {
  switch (operator) {
    case "prefix":
    case "suffix": {
      const folds = isObject(operand) && typeof operand["equals-ignore-case"] === "string";
      const text = fold(asText(folds ? operand["equals-ignore-case"] : operand, path), folds);
      const test = operator === "prefix" ? "startsWith" : "endsWith";
      return (value) => typeof value === "string" && fold(value, folds)[test](text);
    }
    case "equals-ignore-case": {
      const text = asText(operand, path).toLowerCase();
      return (value) => typeof value === "string" && value.toLowerCase() === text;
    }
    case "wildcard":
      return compileWildcard(asText(operand, path));
    case "numeric":
      return compileNumeric(operand, path);
    case "cidr":
      return compileCidr(asText(operand, path), path);
    default:
      throw new Error(`${path}: ${operator} is not modelled`);
  }
}

/** Nothing of an array may be what is excluded; a field that is missing does not match. */
function anythingBut(operand: unknown, path: string): Leaf {
  const excluded: ((value: unknown) => boolean)[] = [];
  if (isObject(operand)) {
    const [[operator, nested] = ["", undefined]] = Object.entries(operand);
    for (const each of asList(nested)) excluded.push(compileOperator(operator, each, path));
  } else {
    for (const each of asList(operand)) excluded.push((value) => value === each);
  }
  const isExcluded = (value: unknown): boolean => excluded.some((matches) => matches(value));
  return (value) => value !== missing && !isObject(value) && !asList(value).some(isExcluded);
}

function compileWildcard(pattern: string): (value: unknown) => boolean {
  const parts = pattern.split("*");
  const [first = "", ...rest] = parts;
  return (value) => {
    if (typeof value !== "string") return false;
    if (rest.length === 0) return value === first;
    const last = rest.at(-1) ?? "";
    let position = first.length;
    if (!value.startsWith(first) || value.length < first.length + last.length) return false;
    for (const part of rest.slice(0, -1)) {
      const found = value.indexOf(part, position);
      if (found < 0) return false;
      position = found + part.length;
    }
    return value.length - last.length >= position && value.endsWith(last);
  };
}

function compileNumeric(operand: unknown, path: string): (value: unknown) => boolean {
  const parts = asList(operand);
  const tests: ((value: number) => boolean)[] = [];
  for (let index = 0; index < parts.length; index += 2) {
    const compare = Object.hasOwn(comparisons, String(parts[index])) ? comparisons[String(parts[index])] : undefined;
    const bound = parts[index + 1];
    if (compare === undefined || typeof bound !== "number")
      throw new Error(`${path}: numeric takes pairs of comparison and number`);
    tests.push((value) => compare(value, bound));
  }
  return (value) => typeof value === "number" && tests.every((test) => test(value));
}

const comparisons: Readonly<Record<string, (left: number, right: number) => boolean>> = {
  "=": (left, right) => left === right,
  "<": (left, right) => left < right,
  "<=": (left, right) => left <= right,
  ">": (left, right) => left > right,
  ">=": (left, right) => left >= right,
};

function compileCidr(block: string, path: string): (value: unknown) => boolean {
  const [address = "", bits = ""] = block.split("/");
  const family = isIP(address) === 6 ? "ipv6" : "ipv4";
  if (isIP(address) === 0 || !/^\d+$/.test(bits)) throw new Error(`${path}: ${block} is no CIDR block`);
  const list = new BlockList();
  list.addSubnet(address, Number(bits), family);
  return (value) =>
    typeof value === "string" && isIP(value) > 0 && list.check(value, isIP(value) === 6 ? "ipv6" : "ipv4");
}

function overElements(matches: (value: unknown) => boolean): Leaf {
  return (value) => value !== missing && asList(value).some(matches);
}

function fold(text: string, folds: boolean): string {
  return folds ? text.toLowerCase() : text;
}

function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [value];
}

function asText(value: unknown, path: string): string {
  if (typeof value === "string") return value;
  throw new Error(`${path}: the operator takes text`);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
