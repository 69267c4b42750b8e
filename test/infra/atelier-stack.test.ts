import { readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { FUNCTIONS } from "../../build.ts";
import { actionsOf, functionNamed, grantsOf, synthesize } from "./synthesize.ts";

const template = synthesize();

describe("what runs while nobody works", () => {
  it("is nothing", () => {
    for (const type of [
      "AWS::EC2::NatGateway",
      "AWS::EC2::Instance",
      "AWS::ElasticLoadBalancingV2::LoadBalancer",
      "AWS::ECS::Service",
      "AWS::SecretsManager::Secret",
      "AWS::KMS::Key",
    ]) {
      template.resourceCountIs(type, 0);
    }
    const endpoints = Object.values(template.findResources("AWS::EC2::VPCEndpoint"));
    expect(endpoints.map(({ Properties }) => Properties.VpcEndpointType)).toEqual(["Gateway", "Gateway"]);
    template.hasResourceProperties("AWS::DynamoDB::Table", { BillingMode: "PAY_PER_REQUEST" });
    template.hasResourceProperties("AWS::EFS::FileSystem", { ThroughputMode: "elastic", Encrypted: true });
  });
});

describe("a workspace's task", () => {
  const definition = Object.values(template.findResources("AWS::ECS::TaskDefinition"))[0]?.Properties;

  it("has no AWS credentials", () => {
    expect(definition).not.toHaveProperty("TaskRoleArn");
    expect(definition).toHaveProperty("ExecutionRoleArn");
  });

  it("is reached from CloudFront only, on the supervisor's port", () => {
    const tasks = Object.entries(template.findResources("AWS::EC2::SecurityGroup")).find(([, { Properties }]) =>
      Properties.GroupDescription.startsWith("Workspaces"),
    ) as [string, { Properties: Record<string, unknown> }];
    const separate = Object.values(template.findResources("AWS::EC2::SecurityGroupIngress")).filter(
      ({ Properties }) => Properties.GroupId["Fn::GetAtt"][0] === tasks[0],
    );
    const rules = [
      ...((tasks[1].Properties.SecurityGroupIngress as object[] | undefined) ?? []),
      ...separate.map((rule) => rule.Properties),
    ];
    expect(rules).toHaveLength(1);
    expect(rules[0]).toMatchObject({
      SourcePrefixListId: { Ref: "OriginFacingPrefixList" },
      FromPort: 22_999,
      ToPort: 22_999,
    });
  });

  it("listens where protocol/ says", () => {
    const port = /SUPERVISOR_PORT = ([0-9_]+)/.exec(read("protocol/route-token.ts"))?.[1]?.replaceAll("_", "");
    expect(definition?.ContainerDefinitions[0].PortMappings).toEqual([
      { ContainerPort: Number(port), Protocol: "tcp" },
    ]);
  });

  it("mounts nothing without an access point, and never as root", () => {
    const policy = Object.values(template.findResources("AWS::EFS::FileSystem"))[0]?.Properties.FileSystemPolicy;
    expect(policy.Statement).toContainEqual(
      expect.objectContaining({
        Effect: "Deny",
        Action: "elasticfilesystem:ClientMount",
        Condition: { Null: { "elasticfilesystem:AccessPointArn": "true" } },
      }),
    );
    const allowed = policy.Statement.filter(({ Effect }: { Effect: string }) => Effect === "Allow");
    expect(actionsOf(allowed)).toEqual(["elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"]);
  });
});

describe("every function", () => {
  it("is a bundle of its own on Node 24, arm64, with a log that is not kept for ever", () => {
    for (const name of Object.keys(FUNCTIONS)) {
      expect(functionNamed(template, name).properties).toMatchObject({
        Runtime: "nodejs24.x",
        Architectures: ["arm64"],
        Handler: "index.handler",
        LoggingConfig: { LogFormat: "JSON" },
      });
    }
    template.resourceCountIs("AWS::Lambda::Function", Object.keys(FUNCTIONS).length);
    for (const log of Object.values(template.findResources("AWS::Logs::LogGroup"))) {
      expect(log.Properties.RetentionInDays).toBeGreaterThan(0);
    }
  });

  it("is given the variables that its handler asks for", () => {
    const ofRouter = strings(/HANDLERS_ENVIRONMENT[^=]*=\s*\[([^\]]*)\]/.exec(read("functions/rpc/handlers.ts"))?.[1]);
    for (const [name, file] of Object.entries(FUNCTIONS)) {
      const asked = /\benv:\s*(?:\[([^\]]*)\]|(HANDLERS_ENVIRONMENT))/.exec(read(file));
      const wanted = asked?.[2] ? ofRouter : strings(asked?.[1]);
      const { Environment } = functionNamed(template, name).properties as { Environment?: { Variables: object } };
      expect(Object.keys(Environment?.Variables ?? {}), name).toEqual(expect.arrayContaining(wanted));
    }
  });
});

describe("queues", () => {
  it("end in a dead-letter queue, and every dead-letter queue has an alarm", () => {
    const queues = template.findResources("AWS::SQS::Queue");
    const targets = (value: unknown) =>
      [...JSON.stringify(value).matchAll(/"Fn::GetAtt":\["(\w+)"/g)].map((match) => match[1]);
    const dead = new Set([
      ...Object.values(queues).flatMap(({ Properties }) => targets(Properties?.RedrivePolicy ?? {})),
      ...Object.values(template.findResources("AWS::Lambda::EventInvokeConfig")).flatMap((config) =>
        targets(config.Properties.DestinationConfig),
      ),
    ]);
    const watched = new Set(targets(template.findResources("AWS::CloudWatch::Alarm")));
    expect(dead.size).toBeGreaterThan(0);
    for (const [id, { Properties }] of Object.entries(queues)) {
      expect(
        Properties?.RedrivePolicy !== undefined || dead.has(id),
        `${id} has no dead-letter queue and is none`,
      ).toBe(true);
      if (dead.has(id)) expect(watched.has(id), `${id} has no alarm`).toBe(true);
    }
  });

  it("catch the events of every function that is invoked asynchronously", () => {
    const caught = Object.values(template.findResources("AWS::Lambda::EventInvokeConfig")).map(
      ({ Properties }) => Properties.FunctionName.Ref,
    );
    const called = Object.values(template.findResources("AWS::Events::Rule")).flatMap(({ Properties }) =>
      Properties.Targets.map(({ Arn }: { Arn: { "Fn::GetAtt": string[] } }) => Arn["Fn::GetAtt"][0]),
    );
    expect(caught.sort()).toEqual(called.sort());
  });
});

describe("who hears of what", () => {
  it("is ECS of this cluster, each minute, and volumes that are released", () => {
    const rules = Object.values(template.findResources("AWS::Events::Rule")).map(({ Properties }) => Properties);
    expect(rules).toHaveLength(3);
    const cluster = Object.keys(template.findResources("AWS::ECS::Cluster"))[0];
    expect(rules).toContainEqual(
      expect.objectContaining({
        EventPattern: {
          source: ["aws.ecs"],
          "detail-type": ["ECS Task State Change"],
          detail: { clusterArn: [{ "Fn::GetAtt": [cluster, "Arn"] }] },
        },
      }),
    );
    expect(rules).toContainEqual(expect.objectContaining({ ScheduleExpression: "rate(1 minute)" }));
    expect(rules).toContainEqual(
      expect.objectContaining({ EventPattern: { source: ["atelier"], "detail-type": ["Volume Released"] } }),
    );
  });
});

describe("addresses", () => {
  it("are the routes of ARCHITECTURE.md", () => {
    const routes = Object.values(template.findResources("AWS::ApiGatewayV2::Route")).map(
      ({ Properties }) => Properties.RouteKey,
    );
    expect(routes.sort()).toEqual([
      "$connect",
      "$default",
      "$disconnect",
      "GET /enter",
      "GET /login/{provider}",
      "GET /login/{provider}/callback",
      "GET /version",
      "POST /logout",
      "POST /rpc",
    ]);
    template.hasResourceProperties("AWS::ApiGatewayV2::Stage", { StageName: "socket" });
  });

  it("are refused when dashboard and workspaces share a registrable domain", () => {
    const pairs = [
      ["atelier.example.com", "ws.example.com"],
      ["example.com", "example.com"],
      ["atelier.example.co.uk", "ws.example.co.uk"],
      ["localhost", "localhost"],
    ] as const;
    for (const [dashboardDomain, workspaceDomain] of pairs) {
      expect(() => synthesize({ dashboardDomain, workspaceDomain })).toThrow(/share the registrable domain/);
    }
  });

  it("are taken when they do not, under private suffixes too", () => {
    const pairs = [
      ["atelier.example.com", "example.net"],
      ["acme.github.io", "acme-workspaces.github.io"],
      ["localhost", "ws.localhost"],
    ] as const;
    for (const [dashboardDomain, workspaceDomain] of pairs) {
      const { Default } = synthesize({ dashboardDomain, workspaceDomain }).findParameters("WorkspaceDomain")
        .WorkspaceDomain as { Default: string };
      expect(Default).toBe(workspaceDomain);
    }
  });
});

describe("the edge function", () => {
  it("is refused above CloudFront's 10 kB", () => {
    const edgeFunction = join(tmpdir(), `atelier-edge-${process.pid}.js`);
    writeFileSync(edgeFunction, "x".repeat(10_241));
    expect(() => synthesize({ edgeFunction })).toThrow(/10241 bytes/);
  });
});

describe("the driver", () => {
  const grants = grantsOf(template, functionNamed(template, "drive-workspace").id);

  it("runs Atelier's definitions in Atelier's cluster only", () => {
    const run = grants.filter(({ Action }) => [Action].flat().includes("ecs:RunTask"));
    expect(run).toHaveLength(1);
    expect(JSON.stringify(run[0]?.Resource)).toMatch(/task-definition\/atelier-\*/);
    expect(run[0]?.Condition).toHaveProperty("ArnEquals.ecs:cluster");
  });

  it("passes the execution role to ECS tasks only", () => {
    const pass = grants.filter(({ Action }) => [Action].flat().includes("iam:PassRole"));
    expect(pass).toHaveLength(1);
    expect(pass[0]?.Condition).toEqual({ StringEquals: { "iam:PassedToService": "ecs-tasks.amazonaws.com" } });
    expect(pass[0]?.Resource).not.toBe("*");
  });
});

function read(file: string): string {
  return readFileSync(join(import.meta.dirname, "../..", file), "utf8");
}

function strings(list = ""): string[] {
  return [...list.matchAll(/"([^"]+)"/g)].map((match) => match[1] as string);
}
