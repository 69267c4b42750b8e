import { Duration } from "aws-cdk-lib";
import { Rule, Schedule } from "aws-cdk-lib/aws-events";
import { LambdaFunction } from "aws-cdk-lib/aws-events-targets";
import { Construct } from "constructs";
import type { Bus } from "./bus.ts";
import type { ControlPlane } from "./control-plane.ts";

export interface EventsProps {
  readonly bus: Bus;
  readonly clusterArn: string;
  readonly functions: ControlPlane;
}

/** Who hears of what. */
export class Events extends Construct {
  constructor(scope: Construct, id: string, props: EventsProps) {
    super(scope, id);
    new Rule(this, "TaskStateChange", {
      description: "What ECS says of Atelier's tasks",
      eventPattern: {
        source: ["aws.ecs"],
        detailType: ["ECS Task State Change"],
        detail: { clusterArn: [props.clusterArn] },
      },
      targets: [new LambdaFunction(props.functions.onTaskChange.function)],
    });
    new Rule(this, "EachMinute", {
      description: "Sweeps",
      schedule: Schedule.rate(Duration.minutes(1)),
      targets: [new LambdaFunction(props.functions.sweep.function)],
    });
    new Rule(this, "VolumeReleased", {
      description: "Nothing mounts a volume any more",
      eventBus: props.bus.eventBus,
      eventPattern: { source: ["atelier"], detailType: ["Volume Released"] },
      targets: [new LambdaFunction(props.functions.removeDirectory.function)],
    });
  }
}
