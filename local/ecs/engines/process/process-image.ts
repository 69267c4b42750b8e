import { readFile } from "node:fs/promises";
import { TaskStartError } from "../../engine.ts";

/** What stands in for a container image: a command on this machine. */
export interface ProcessImage {
  /** Last part of the image reference's repository: `atelier/workspace`. */
  readonly repository: string;
  readonly entrypoint: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Path inside the container that is the task's own ephemeral disk. */
  readonly scratch?: string;
}

/**
 * Finds the image that a reference names in a file of one image or an array of them, with `${NAME}` replaced from `placeholders`.
 * Read at every start, so that a rebuilt image counts from the next task on.
 * @throws TaskStartError CannotPullContainerError
 */
export async function findProcessImage(
  file: string,
  reference: string,
  placeholders: Readonly<Record<string, string>>,
): Promise<ProcessImage> {
  const images = await readImages(file);
  const repository = repositoryOf(reference);
  const image = images.find((known) => repository === known.repository || repository.endsWith(`/${known.repository}`));
  if (image === undefined) {
    const known = images.map((each) => each.repository).join(", ") || "none";
    throw cannotPull(`the process engine knows no image ${reference}; it knows: ${known}. Add it to ${file}.`);
  }
  const fill = (text: string) => fillPlaceholders(text, placeholders, file);
  return {
    repository: image.repository,
    entrypoint: image.entrypoint.map(fill),
    environment: Object.fromEntries(Object.entries(image.environment).map(([name, value]) => [name, fill(value)])),
    ...(image.scratch === undefined ? {} : { scratch: image.scratch }),
  };
}

/** `registry:5000/a/b:tag@sha256:...` → `registry:5000/a/b` */
export function repositoryOf(reference: string): string {
  return reference.replace(/@[^@]*$/, "").replace(/:[^:/]*$/, "");
}

async function readImages(file: string): Promise<readonly ProcessImage[]> {
  let content: unknown;
  try {
    content = JSON.parse(await readFile(file, "utf8"));
  } catch (cause) {
    throw cannotPull(`the image description ${file} cannot be read: ${(cause as Error).message}`, cause);
  }
  const images: unknown[] = Array.isArray(content) ? content : [content];
  if (!images.every(isImage)) {
    throw cannotPull(`${file} does not describe an image: it needs repository, entrypoint and environment.`);
  }
  return images;
}

function isImage(value: unknown): value is ProcessImage {
  const image = value as Partial<ProcessImage> | null;
  return (
    typeof image?.repository === "string" &&
    Array.isArray(image.entrypoint) &&
    image.entrypoint.length > 0 &&
    image.entrypoint.every((part) => typeof part === "string") &&
    Object.values(image.environment ?? { missing: undefined }).every((part) => typeof part === "string") &&
    (image.scratch === undefined || image.scratch.startsWith("/"))
  );
}

function fillPlaceholders(text: string, placeholders: Readonly<Record<string, string>>, file: string): string {
  return text.replace(/\$\{(\w+)\}/g, (whole, name: string) => {
    const value = placeholders[name];
    if (value !== undefined) return value;
    throw cannotPull(`${file} uses ${whole}, which has no value here.`);
  });
}

function cannotPull(message: string, cause?: unknown): TaskStartError {
  return new TaskStartError("CannotPullContainerError", message, { cause });
}
