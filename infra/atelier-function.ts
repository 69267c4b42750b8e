import { existsSync } from "node:fs";
import { type Duration, RemovalPolicy } from "aws-cdk-lib";
import type { ISecurityGroup, IVpc } from "aws-cdk-lib/aws-ec2";
import { type IRole, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import {
  Architecture,
  Code,
  type FileSystem,
  Function as Lambda,
  LoggingFormat,
  Runtime,
} from "aws-cdk-lib/aws-lambda";
import { LogGroup, RetentionDays } from "aws-cdk-lib/aws-logs";
import { Construct } from "constructs";
import { allow, type Binding } from "./binding.ts";
import type { DeadLetters } from "./dead-letters.ts";

export interface AtelierFunctionProps {
  /** Folder under `build/functions/`. */
  readonly name: string;
  /** The build's output directory. */
  readonly buildDirectory: string;
  readonly description: string;
  readonly timeout: Duration;
  /** MiB; processor time grows with it. */
  readonly memorySize?: number;
  /** For functions that are invoked asynchronously: how often to repeat, and where an event goes in the end. */
  readonly asynchronous?: {
    readonly retryAttempts: number;
    readonly maxEventAge: Duration;
    readonly failures: DeadLetters;
  };
  /** For functions inside the network. */
  readonly network?: { readonly vpc: IVpc; readonly securityGroup: ISecurityGroup; readonly mount: FileSystem };
}

/** A function with what every one of them has: Node 24, its bundle, its log, and a role that may do nothing but log. */
export class AtelierFunction extends Construct {
  readonly function: Lambda;

  constructor(scope: Construct, id: string, props: AtelierFunctionProps) {
    super(scope, id);
    const bundle = `${props.buildDirectory}/functions/${props.name}`;
    if (!existsSync(`${bundle}/index.mjs`)) {
      throw new Error(`There is no bundle ${bundle}/index.mjs. Run \`npm run build\` first.`);
    }
    const logGroup = new LogGroup(this, "Log", {
      retention: RetentionDays.ONE_MONTH,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const role = new Role(this, "Role", { assumedBy: new ServicePrincipal("lambda.amazonaws.com") });
    role.addToPolicy(allow(["logs:CreateLogStream", "logs:PutLogEvents"], [logGroup.logGroupArn]));
    if (props.network) role.addToPolicy(allow(networkInterfaces, ["*"]));
    this.function = new Lambda(this, "Function", {
      description: props.description,
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      handler: "index.handler",
      code: Code.fromAsset(bundle),
      memorySize: props.memorySize ?? 512,
      timeout: props.timeout,
      role: role as IRole,
      logGroup,
      loggingFormat: LoggingFormat.JSON,
      environment: { NODE_OPTIONS: "--enable-source-maps" },
      ...(props.network && {
        vpc: props.network.vpc,
        // It calls nothing but the file system, so it needs no way to the internet.
        allowPublicSubnet: true,
        securityGroups: [props.network.securityGroup],
        filesystem: props.network.mount,
      }),
    });
    if (props.asynchronous) {
      const { retryAttempts, maxEventAge, failures } = props.asynchronous;
      this.function.configureAsyncInvoke({
        retryAttempts,
        maxEventAge,
        // CDK's own class grants reading the queue's attributes as well.
        onFailure: { bind: () => ({ destination: failures.queue.queueArn }) },
      });
      role.addToPolicy(allow(["sqs:SendMessage"], [failures.queue.queueArn]));
    }
  }

  /** Gives permission and variable in one call. */
  bind(...bindings: readonly Binding[]): this {
    for (const { environment = {}, statements = [] } of bindings) {
      for (const [name, value] of Object.entries(environment)) this.function.addEnvironment(name, value);
      for (const statement of statements) this.function.addToRolePolicy(statement);
    }
    return this;
  }
}

/** What Lambda does in the function's name to put it into a network. */
const networkInterfaces = [
  "ec2:AssignPrivateIpAddresses",
  "ec2:CreateNetworkInterface",
  "ec2:DeleteNetworkInterface",
  "ec2:DescribeNetworkInterfaces",
  "ec2:DescribeSubnets",
  "ec2:UnassignPrivateIpAddresses",
];
