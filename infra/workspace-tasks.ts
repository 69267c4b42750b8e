import { ArnFormat, RemovalPolicy, Stack } from "aws-cdk-lib";
import { Repository, TagMutability } from "aws-cdk-lib/aws-ecr";
import { CfnCluster, CfnTaskDefinition } from "aws-cdk-lib/aws-ecs";
import { Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { LogGroup, RetentionDays } from "aws-cdk-lib/aws-logs";
import { Construct } from "constructs";
import { allow, type Binding } from "./binding.ts";

export interface WorkspaceTasksProps {
  readonly fileSystemId: string;
  readonly supervisorPort: number;
  /** Where supervisors send what they know. */
  readonly endpoint: string;
  readonly subnetIds: readonly string[];
  readonly securityGroupId: string;
}

/** Of every task definition that Atelier registers; the driver may run no other. */
const FAMILY_PREFIX = "atelier-";

/** The cluster, and the definition of which each workspace has a copy that names its own access point. */
export class WorkspaceTasks extends Construct {
  readonly #cluster: CfnCluster;
  readonly #definition: CfnTaskDefinition;
  readonly #executionRole: Role;
  readonly #props: WorkspaceTasksProps;

  constructor(scope: Construct, id: string, props: WorkspaceTasksProps) {
    super(scope, id);
    this.#props = props;
    this.#cluster = new CfnCluster(this, "Cluster", { capacityProviders: ["FARGATE", "FARGATE_SPOT"] });

    const repository = new Repository(this, "Images", {
      repositoryName: "atelier/workspace",
      // Definitions name the tag `stable`, so that a release does not register thousands of them again.
      imageTagMutability: TagMutability.MUTABLE,
      imageScanOnPush: true,
      lifecycleRules: [{ description: "Keep the last ten", maxImageCount: 10 }],
      removalPolicy: RemovalPolicy.RETAIN,
    });
    const logs = new LogGroup(this, "Logs", {
      retention: RetentionDays.ONE_WEEK,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    this.#executionRole = new Role(this, "Execution", {
      assumedBy: new ServicePrincipal("ecs-tasks.amazonaws.com"),
      description: "Pulls the image and writes the log; nothing inside a workspace has it",
    });
    repository.grantPull(this.#executionRole);
    this.#executionRole.addToPolicy(allow(["logs:CreateLogStream", "logs:PutLogEvents"], [logs.logGroupArn]));

    this.#definition = new CfnTaskDefinition(this, "Base", {
      family: `${FAMILY_PREFIX}base`,
      requiresCompatibilities: ["FARGATE"],
      networkMode: "awsvpc",
      cpu: "2048",
      memory: "4096",
      runtimePlatform: { cpuArchitecture: "ARM64", operatingSystemFamily: "LINUX" },
      // No task role: a workspace is hostile, and has no AWS credentials.
      executionRoleArn: this.#executionRole.roleArn,
      volumes: [
        {
          name: "workspace",
          efsVolumeConfiguration: { filesystemId: props.fileSystemId, transitEncryption: "ENABLED" },
        },
      ],
      containerDefinitions: [
        {
          name: "workspace",
          image: repository.repositoryUriForTag("stable"),
          essential: true,
          mountPoints: [{ sourceVolume: "workspace", containerPath: "/workspace", readOnly: false }],
          environment: [
            { name: "ATELIER_VOLUME", value: "/workspace" },
            { name: "ATELIER_ENDPOINT", value: props.endpoint },
          ],
          portMappings: [{ containerPort: props.supervisorPort, protocol: "tcp" }],
          // The supervisor ends its children within 12 s, and a stop that was asked for must not take longer than this.
          stopTimeout: 30,
          logConfiguration: {
            logDriver: "awslogs",
            options: {
              "awslogs-group": logs.logGroupName,
              "awslogs-region": Stack.of(this).region,
              "awslogs-stream-prefix": "workspace",
            },
          },
        },
      ],
    });
  }

  get clusterArn(): string {
    return this.#cluster.attrArn;
  }

  /** Everything about tasks: registering definitions, running, stopping, looking. */
  get launch(): Binding {
    const definitions = this.#arn("task-definition", `${FAMILY_PREFIX}*`);
    return {
      environment: {
        CLUSTER_ARN: this.clusterArn,
        BASE_TASK_DEFINITION: this.#definition.ref,
        SUBNET_IDS: this.#props.subnetIds.join(","),
        SECURITY_GROUP_ID: this.#props.securityGroupId,
      },
      statements: [
        // These two know no resources (Service Authorization Reference, Amazon ECS).
        allow(["ecs:DescribeTaskDefinition", "ecs:DeregisterTaskDefinition"], ["*"]),
        allow(["ecs:RegisterTaskDefinition"], [definitions]),
        allow(["ecs:RunTask"], [definitions], this.#inCluster()),
        allow(["iam:PassRole"], [this.#executionRole.roleArn], {
          StringEquals: { "iam:PassedToService": "ecs-tasks.amazonaws.com" },
        }),
        ...this.#watching(),
      ],
    };
  }

  /** Looking at tasks, and stopping those that nobody wants. */
  get watch(): Binding {
    return { environment: { CLUSTER_ARN: this.clusterArn }, statements: this.#watching() };
  }

  #watching() {
    const clusterName = this.#cluster.ref;
    return [
      allow(["ecs:DescribeTasks", "ecs:StopTask"], [this.#arn("task", `${clusterName}/*`)], this.#inCluster()),
      // ListTasks is granted on container instances, of which Fargate has none.
      allow(["ecs:ListTasks"], ["*"], this.#inCluster()),
    ];
  }

  #inCluster() {
    return { ArnEquals: { "ecs:cluster": this.clusterArn } };
  }

  #arn(resource: string, resourceName: string): string {
    return Stack.of(this).formatArn({
      service: "ecs",
      resource,
      resourceName,
      arnFormat: ArnFormat.SLASH_RESOURCE_NAME,
    });
  }
}
