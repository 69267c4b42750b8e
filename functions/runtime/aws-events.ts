/** Shapes of events that `@types/aws-lambda` lacks or has incomplete. Only what we read; see the recorded events. */

export type { APIGatewayProxyEventV2 as HttpEvent, EventBridgeEvent, SQSBatchResponse, SQSEvent } from "aws-lambda";

/** What an HTTP function answers (payload format 2.0). */
export interface HttpAnswer {
  statusCode: number;
  headers?: Record<string, string>;
  /** `Set-Cookie` values. */
  cookies?: string[];
  body?: string;
}

interface SocketRequestContext {
  connectionId: string;
  requestId: string;
  routeKey: string;
  eventType: "CONNECT" | "MESSAGE" | "DISCONNECT";
  domainName: string;
  stage: string;
  identity: { sourceIp: string; userAgent?: string };
}

/** `$connect`. Header names come as the client wrote them. */
export interface SocketConnectEvent {
  requestContext: SocketRequestContext;
  headers?: Record<string, string | undefined>;
  queryStringParameters?: Record<string, string | undefined> | null;
}

/** `$default`: a message. API Gateway runs those of one connection at the same time and in any order. */
export interface SocketMessageEvent {
  requestContext: SocketRequestContext & { messageId: string };
  body?: string;
  isBase64Encoded: boolean;
}

/** `$disconnect`: best effort; it may never come. */
export interface SocketDisconnectEvent {
  requestContext: SocketRequestContext & { disconnectStatusCode?: number; disconnectReason?: string };
}

/** What CloudFormation sends to a custom resource's function. */
export interface CustomResourceEvent {
  RequestType: "Create" | "Update" | "Delete";
  ResponseURL: string;
  StackId: string;
  RequestId: string;
  LogicalResourceId: string;
  /** Absent at Create. */
  PhysicalResourceId?: string;
  ResourceProperties: Record<string, unknown>;
  OldResourceProperties?: Record<string, unknown>;
}
