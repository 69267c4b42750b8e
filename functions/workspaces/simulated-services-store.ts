/** For tests: EFS, EC2, SQS, EventBridge, SSM and sockets, scripted. */
import { createHash } from "node:crypto";
import { ApiGatewayManagementApiClient, PostToConnectionCommand } from "@aws-sdk/client-apigatewaymanagementapi";
import { DescribeNetworkInterfacesCommand, EC2Client } from "@aws-sdk/client-ec2";
import { CreateAccessPointCommand, DeleteAccessPointCommand, EFSClient } from "@aws-sdk/client-efs";
import { EventBridgeClient, PutEventsCommand } from "@aws-sdk/client-eventbridge";
import { SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { GetParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { mockClient } from "aws-sdk-client-mock";
import type { SimulatedCloud } from "./simulated-cloud-store.ts";
import { cloudError } from "./simulated-ecs-store.ts";

export function scriptOthers(cloud: SimulatedCloud): void {
  const efs = mockClient(EFSClient);
  efs.on(CreateAccessPointCommand).callsFake(
    cloud.script(
      CreateAccessPointCommand,
      ({ ClientToken, RootDirectory }: { ClientToken: string; RootDirectory: { Path: string } }) => {
        const known = [...cloud.accessPoints].find(([, { token }]) => token === ClientToken);
        if (known) throw cloudError("AccessPointAlreadyExists", "exists", { AccessPointId: known[0] });
        cloud.serial += 1;
        const AccessPointId = `fsap-${cloud.serial}`;
        cloud.accessPoints.set(AccessPointId, { token: ClientToken, path: RootDirectory.Path });
        return { AccessPointId };
      },
    ),
  );
  efs.on(DeleteAccessPointCommand).callsFake(
    cloud.script(DeleteAccessPointCommand, ({ AccessPointId }: { AccessPointId: string }) => {
      if (!cloud.accessPoints.delete(AccessPointId)) throw cloudError("AccessPointNotFound", "none");
      return {};
    }),
  );
  const ec2 = mockClient(EC2Client);
  ec2.on(DescribeNetworkInterfacesCommand).callsFake(
    cloud.script(
      DescribeNetworkInterfacesCommand,
      ({ NetworkInterfaceIds: [id] }: { NetworkInterfaceIds: string[] }) => ({
        NetworkInterfaces: cloud.namesAreLate ? [{}] : [{ Association: { PublicDnsName: `${id}.example` } }],
      }),
    ),
  );
  const sqs = mockClient(SQSClient);
  sqs.on(SendMessageCommand).callsFake(
    cloud.script(
      SendMessageCommand,
      ({ MessageBody, DelaySeconds = 0 }: { MessageBody: string; DelaySeconds: number }) => {
        const { workspaceId } = JSON.parse(MessageBody) as { workspaceId: string };
        cloud.messages.push({ workspaceId, at: cloud.now + DelaySeconds * 1_000 });
        return {};
      },
    ),
  );
  const bus = mockClient(EventBridgeClient);
  bus.on(PutEventsCommand).callsFake(
    cloud.script(PutEventsCommand, ({ Entries }: { Entries: { DetailType: string; Detail: string }[] }) => {
      for (const { DetailType, Detail } of Entries)
        cloud.busEvents.push({ type: DetailType, detail: JSON.parse(Detail) });
      return { FailedEntryCount: 0 };
    }),
  );
  const sockets = mockClient(ApiGatewayManagementApiClient);
  sockets.on(PostToConnectionCommand).callsFake(async (input: { ConnectionId: string; Data: Uint8Array }) => {
    cloud.pushes.push({ connectionId: input.ConnectionId, ...JSON.parse(Buffer.from(input.Data).toString()) });
    return {};
  });
  const ssm = mockClient(SSMClient);
  const secret = createHash("sha256").update("root").digest("base64url");
  ssm.on(GetParameterCommand).resolves({ Parameter: { Value: JSON.stringify({ current: { id: "1", secret } }) } });
  for (const mock of [efs, ec2, sqs, bus, sockets, ssm]) cloud.restore.push(() => mock.restore());
}
