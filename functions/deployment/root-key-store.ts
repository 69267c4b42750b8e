/** The root key, where only functions that are granted it can read it. */
import { GetParameterCommand, ParameterNotFound, PutParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { parseRootKey, type RootKey } from "#functions/runtime/derive-keys.ts";

const client = new SSMClient({});

/** @returns `undefined` when there is none yet */
export async function readRootKey(parameter: string): Promise<RootKey | undefined> {
  try {
    const answer = await client.send(new GetParameterCommand({ Name: parameter, WithDecryption: true }));
    return parseRootKey(answer.Parameter?.Value ?? "");
  } catch (error) {
    if (error instanceof ParameterNotFound) return undefined;
    throw error;
  }
}

export async function writeRootKey(parameter: string, root: RootKey): Promise<void> {
  await client.send(
    new PutParameterCommand({ Name: parameter, Value: JSON.stringify(root), Type: "SecureString", Overwrite: true }),
  );
}
