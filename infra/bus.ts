import { EventBus } from "aws-cdk-lib/aws-events";
import { Construct } from "constructs";
import { allow, type Binding } from "./binding.ts";

/** Atelier's own events. */
export class Bus extends Construct {
  readonly eventBus: EventBus;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    this.eventBus = new EventBus(this, "Bus", { description: "What happens in Atelier" });
  }

  get put(): Binding {
    return {
      environment: { BUS_NAME: this.eventBus.eventBusName },
      statements: [allow(["events:PutEvents"], [this.eventBus.eventBusArn])],
    };
  }
}
