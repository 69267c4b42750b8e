/** How a custom resource answers CloudFormation: a PUT to a presigned URL. */
import type { CustomResourceEvent } from "./aws-events.ts";

export interface CustomResourceResult {
  /** What `Fn::GetAtt` gives. */
  data?: Record<string, string>;
}

interface Answer extends CustomResourceResult {
  status: "SUCCESS" | "FAILED";
  reason?: string;
  physicalId: string;
}

/** One per resource of a stack and never another, so that an update does not replace (and then delete) it. */
export function physicalIdOf(event: CustomResourceEvent): string {
  return event.PhysicalResourceId ?? `atelier-${event.LogicalResourceId}`;
}

/** @throws Error when CloudFormation did not take the answer */
export async function answerCloudFormation(event: CustomResourceEvent, answer: Answer): Promise<void> {
  const body = JSON.stringify({
    Status: answer.status,
    // CloudFormation cuts a long reason, and refuses bodies over 4,096 bytes.
    Reason: answer.reason?.slice(0, 1_000),
    PhysicalResourceId: answer.physicalId,
    StackId: event.StackId,
    RequestId: event.RequestId,
    LogicalResourceId: event.LogicalResourceId,
    Data: answer.data,
  });
  const response = await fetch(event.ResponseURL, {
    method: "PUT",
    // The URL is signed without a content type, so any other than an empty one is refused.
    headers: { "content-type": "" },
    body,
    signal: AbortSignal.timeout(30_000),
  });
  if (!response.ok) throw new Error(`CloudFormation did not take the answer: status ${response.status}.`);
}
