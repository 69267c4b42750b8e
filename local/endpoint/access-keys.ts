import type { RandomSource } from "../service.ts";

/** Who calls: what the log says when a grant is missing, and whose role is asked. */
export interface Principal {
  /** Name of the function (or of the task). */
  readonly name: string;
  readonly logicalId: string;
  /** `undefined` when it has no role: nothing is granted. */
  readonly roleArn: string | undefined;
}

export interface AccessKey {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/**
 * Access keys of the embedded cloud. The id alone says who calls, and workspaces share the loopback address, so an id
 * carries 160 random bits instead of AWS's 20 readable characters.
 */
export interface AccessKeys {
  issue(principal: Principal): AccessKey;
  find(accessKeyId: string): Principal | undefined;
}

export function createAccessKeys(random: RandomSource): AccessKeys {
  const principals = new Map<string, Principal>();
  return {
    issue(principal) {
      const accessKeyId = `AKIA${random.bytes(20).toString("hex").toUpperCase()}`;
      principals.set(accessKeyId, principal);
      return { accessKeyId, secretAccessKey: random.bytes(30).toString("base64url") };
    },
    find: (accessKeyId) => principals.get(accessKeyId),
  };
}
