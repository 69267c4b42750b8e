/** The root key, where only functions that are granted it can read it. */
import {
  GetParameterCommand,
  ParameterAlreadyExists,
  ParameterNotFound,
  PutParameterCommand,
  SSMClient,
} from "@aws-sdk/client-ssm";
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

/** Writes over whatever is there: SSM knows no condition but that there is nothing yet. */
export async function replaceRootKey(parameter: string, root: RootKey): Promise<void> {
  await put(parameter, root, true);
}

/** @returns false when somebody else was first */
export async function insertRootKey(parameter: string, root: RootKey): Promise<boolean> {
  try {
    await put(parameter, root, false);
    return true;
  } catch (error) {
    if (error instanceof ParameterAlreadyExists) return false;
    throw error;
  }
}

async function put(parameter: string, root: RootKey, overwrite: boolean): Promise<void> {
  await client.send(
    new PutParameterCommand({
      Name: parameter,
      Value: JSON.stringify(root),
      Type: "SecureString",
      Overwrite: overwrite,
    }),
  );
}
