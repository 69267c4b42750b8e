/**
 * State that outlasts a cloud but not the program: a state directory named `memory:<anything>` stands for a disk in memory, so that
 * a whole cloud can be ended and started again on simulated time without touching a real disk.
 */
const PREFIX = "memory:";
const disks = new Map<string, Map<string, string>>();
let mounts = 0;

export function isInMemory(folder: string | undefined): folder is string {
  return folder?.startsWith(PREFIX) ?? false;
}

/** Mounts files under a name of its own. @returns the state directory to give to a cloud, and what takes it away again */
export function mountMemoryDisk(files: Map<string, string>): { directory: string; detach(): void } {
  mounts += 1;
  const directory = `${PREFIX}${mounts}`;
  disks.set(directory, files);
  return { directory, detach: () => void disks.delete(directory) };
}

/** The files of a folder in memory, by their name in it. */
export function memoryFolder(folder: string): {
  read(name: string): string | undefined;
  write(name: string, text: string): void;
  remove(name: string): void;
  names(): string[];
} {
  const [disk = ""] = folder.split("/", 1);
  const place = `${folder.slice(disk.length + 1)}/`;
  const files = (): Map<string, string> => disks.get(disk) ?? new Map();
  return {
    read: (name) => files().get(place + name),
    write: (name, text) => void files().set(place + name, text),
    remove: (name) => void files().delete(place + name),
    names: () =>
      [...files().keys()]
        .flatMap((file) => (file.startsWith(place) ? [file.slice(place.length)] : []))
        .filter((name) => !name.includes("/")),
  };
}
