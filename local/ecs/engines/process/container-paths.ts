/** Paths inside the container → folders of this machine. */
export class ContainerPaths {
  readonly #folders: readonly (readonly [containerPath: string, folder: string])[];

  constructor(folders: Iterable<readonly [containerPath: string, folder: string]>) {
    const trimmed = [...folders].map(([inside, folder]) => [inside.replace(/(?<=.)\/+$/, ""), folder] as const);
    // The deepest mount wins, as it does in a container.
    this.#folders = trimmed.sort(([a], [b]) => b.length - a.length);
  }

  /** `/workspace/app` → `<folder>/app`; whatever does not begin with a mounted path stays as it is. */
  translate(value: string): string {
    for (const [inside, folder] of this.#folders) {
      if (value === inside) return folder;
      if (value.startsWith(`${inside}/`)) return folder + value.slice(inside.length);
    }
    return value;
  }

  /** Environment: values that are paths, and lists of paths where the name says that it is one (`PATH`, `NODE_PATH`). */
  translateEnvironment(environment: Readonly<Record<string, string>>): Record<string, string> {
    return Object.fromEntries(
      Object.entries(environment).map(([name, value]) => [
        name,
        name.endsWith("PATH")
          ? value
              .split(":")
              .map((part) => this.translate(part))
              .join(":")
          : this.translate(value),
      ]),
    );
  }
}
