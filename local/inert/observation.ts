import { physicalName } from "../identifier.ts";
import type { ResourceProvider, ServiceContext } from "../service.ts";
import { inert } from "./inert-provider.ts";

/** Alarms, logs and what they notify. */
export function observationResources(
  context: Pick<ServiceContext, "region" | "accountId">,
): Readonly<Record<string, ResourceProvider>> {
  const arn = (service: string, rest: string): string =>
    `arn:aws:${service}:${context.region}:${context.accountId}:${rest}`;
  return {
    "AWS::CloudWatch::Alarm": inert(
      "metrics are not modelled; what an alarm watches is an error in the log",
      (logicalId, properties) => {
        const name = String(properties.AlarmName ?? physicalName(logicalId));
        return { ref: name, attributes: { Arn: arn("cloudwatch", `alarm:${name}`) } };
      },
    ),
    "AWS::CloudWatch::Dashboard": inert("metrics are not modelled", (logicalId) => ({ ref: logicalId })),
    "AWS::Logs::LogGroup": inert("output goes to the program's log", (logicalId, properties) => {
      const name = String(properties.LogGroupName ?? physicalName(logicalId));
      return { ref: name, attributes: { Arn: `${arn("logs", `log-group:${name}`)}:*`, LogGroupName: name } };
    }),
    "AWS::Logs::ResourcePolicy": inert("output goes to the program's log", (logicalId) => ({ ref: logicalId })),
    "AWS::SNS::Topic": inert("nobody is notified here; alarms are errors in the log", (logicalId, properties) => {
      const name = String(properties.TopicName ?? physicalName(logicalId));
      return { ref: arn("sns", name), attributes: { TopicArn: arn("sns", name), TopicName: name } };
    }),
    "AWS::SNS::Subscription": inert("nobody is notified here", (logicalId) => ({ ref: logicalId })),
  };
}
