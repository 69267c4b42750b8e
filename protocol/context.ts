/** What a URL points to, once the Git host was asked. */
import * as v from "valibot";

export const Repository = v.object({
  /** Host with port, as in the URL: `github.com`, `git.acme.test:8443`. */
  host: v.string(),
  /** Everything between host and name: `acme`, `group/subgroup`; empty where the URL has none. */
  owner: v.string(),
  name: v.string(),
  /** http(s), without credentials. */
  cloneUrl: v.string(),
});
export type Repository = v.InferOutput<typeof Repository>;

export const RefType = v.picklist(["branch", "tag", "revision", "ref"]);
export type RefType = v.InferOutput<typeof RefType>;

export const Context = v.object({
  /** `empty`: the repository has no commit yet. */
  kind: v.picklist(["repository", "branch", "tag", "commit", "pull-request", "empty"]),
  repository: Repository,
  /** Short name of the branch or tag, the full name of any other ref (`refs/pull/7/head`), or the commit's hash. Of an empty repository the branch that its HEAD names; empty when its server does not say. */
  ref: v.string(),
  refType: RefType,
  /** 40 or 64 hexadecimal digits; absent for an empty repository. */
  commit: v.optional(v.string()),
  /** File or folder inside the repository that the URL named; no leading slash; empty for none. */
  path: v.string(),
  /** One line for people: `acme/shop · main`. */
  title: v.string(),
});
export type Context = v.InferOutput<typeof Context>;
