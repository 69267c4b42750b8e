/** The IDE's release: the same in the image and on a laptop. The integrity is npm's, of the package itself. */
export const CODE_SERVER = {
  version: "4.139.1",
  integrity: "sha512-fUYvJVdz4ZoVJfakGiGWXFMpF8K1ObsrpGvX17ZxNpKOzdNHs7lANT670JTr4ZhA8DnWqyvvmFG/d3HV9Yy6ew==",
  /** Whose headers its native modules were built with. */
  nodeMajor: 24,
} as const;
