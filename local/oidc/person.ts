/** A person at this provider is nothing but a name. */
export interface Person {
  readonly sub: string;
  readonly name: string;
  readonly email: string;
}

const MAX_NAME = 64;

/** @returns the name, trimmed; `undefined` for what is no name (empty, too long, or with control characters) */
export function readName(text: unknown): string | undefined {
  const name = typeof text === "string" ? text.trim().normalize("NFC") : "";
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
  return name === "" || name.length > MAX_NAME || /[\u0000-\u001f\u007f]/.test(name) || !name.isWellFormed()
    ? undefined
    : name;
}

/** A subject is ASCII and its name can be read back from it, so that nobody needs to be stored. */
export function subjectOf(name: string): string {
  return encodeURIComponent(name);
}

export function personOf(sub: string): Person {
  const name = decodeURIComponent(sub);
  const mailbox = name
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, ".")
    .replace(/^\.+|\.+$/g, "");
  const email = /^[^@\s]+@[^@\s]+\.[^@\s]+$/.test(name) ? name : `${mailbox || "person"}@local.test`;
  return { sub, name, email };
}
