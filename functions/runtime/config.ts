/** The function's configuration: environment variables that the template binds together with their grants. */

const read = new Map<string, string>();

/**
 * A variable that must be there. Read once; later changes of the environment have no effect.
 * @throws Error that names the variable
 */
export function env(name: string): string {
  const value = optionalEnv(name);
  if (value === undefined) {
    throw new Error(`The environment variable ${name} is missing or empty. The template binds it to this function.`);
  }
  return value;
}

/** A variable that may be missing; an empty one counts as missing. */
export function optionalEnv(name: string): string | undefined {
  const known = read.get(name);
  if (known !== undefined) return known;
  const value = process.env[name];
  if (value === undefined || value === "") return undefined;
  read.set(name, value);
  return value;
}
