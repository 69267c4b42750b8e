/** Public names of tasks, which only EC2 knows. */
import { DescribeNetworkInterfacesCommand, EC2Client } from "@aws-sdk/client-ec2";
import { isNamed, kindOfError } from "./cloud-error.ts";

const client = new EC2Client({ maxAttempts: 3 });

/**
 * @returns `undefined` while EC2 does not know it (it learns of a new interface's address a moment later than ECS), or is asked
 * too often to say
 */
export async function publicNameOf(networkInterfaceId: string): Promise<string | undefined> {
  try {
    const { NetworkInterfaces } = await client.send(
      new DescribeNetworkInterfacesCommand({ NetworkInterfaceIds: [networkInterfaceId] }),
    );
    return NetworkInterfaces?.[0]?.Association?.PublicDnsName || undefined;
  } catch (error) {
    if (isNamed(error, "InvalidNetworkInterfaceID.NotFound") || kindOfError(error) === "waiting") return undefined;
    throw error;
  }
}
