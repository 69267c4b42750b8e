import { DescribeNetworkInterfacesCommand, type EC2Client } from "@aws-sdk/client-ec2";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startTestCloud, type TestCloud } from "../ecs/test-cloud.ts";

let cloud: TestCloud;
let client: EC2Client;
beforeAll(async () => {
  cloud = await startTestCloud();
  client = cloud.ec2Client;
});
afterAll(() => cloud.stop());

const attach = (assignPublicAddress: boolean) =>
  cloud.ecs.interfaces.attach({ subnetId: "subnet-1", securityGroups: ["sg-1"], assignPublicAddress });

it("describes the interfaces that are asked for, with their public names", async () => {
  const [open, closed] = [attach(true), attach(false)];
  attach(true);
  const { NetworkInterfaces } = await client.send(
    new DescribeNetworkInterfacesCommand({ NetworkInterfaceIds: [open.id, closed.id] }),
  );
  expect(NetworkInterfaces).toHaveLength(2);
  expect(NetworkInterfaces?.[0]).toMatchObject({
    NetworkInterfaceId: open.id,
    PrivateIpAddress: open.privateAddress,
    SubnetId: "subnet-1",
    Status: "in-use",
    Groups: [{ GroupId: "sg-1" }],
    Association: {
      PublicDnsName: open.association?.publicDnsName,
      PublicIp: open.association?.publicAddress,
    },
  });
  expect(NetworkInterfaces?.[1]?.Association).toBeUndefined();
});

it("says which interface is not there", async () => {
  const missing = new DescribeNetworkInterfacesCommand({ NetworkInterfaceIds: ["eni-0"] });
  await expect(client.send(missing)).rejects.toMatchObject({ name: "InvalidNetworkInterfaceID.NotFound" });
});

it("refuses a filter, which it does not model", async () => {
  const filtered = new DescribeNetworkInterfacesCommand({ Filters: [{ Name: "subnet-id", Values: ["subnet-1"] }] });
  await expect(client.send(filtered)).rejects.toThrow("not modelled");
});
