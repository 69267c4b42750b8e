import { ArnFormat, Stack } from "aws-cdk-lib";
import { WebSocketApi, WebSocketStage } from "aws-cdk-lib/aws-apigatewayv2";
import { WebSocketLambdaIntegration } from "aws-cdk-lib/aws-apigatewayv2-integrations";
import { Construct } from "constructs";
import type { AtelierFunction } from "./atelier-function.ts";
import { allow, type Binding } from "./binding.ts";

/** The stage is named as the path under which CloudFront serves it, since a stage's name begins the path. */
const STAGE = "socket";

/** The WebSocket API. Its routes come later: its functions need its address first. */
export class SocketApi extends Construct {
  readonly #api: WebSocketApi;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    this.#api = new WebSocketApi(this, "Api", { description: "JSON-RPC both ways" });
    new WebSocketStage(this, "Stage", { webSocketApi: this.#api, stageName: STAGE, autoDeploy: true });
  }

  get domainName(): string {
    const { region, urlSuffix } = Stack.of(this);
    return `${this.#api.apiId}.execute-api.${region}.${urlSuffix}`;
  }

  /** Sending to connections, and closing them. */
  get connections(): Binding {
    const connections = Stack.of(this).formatArn({
      service: "execute-api",
      resource: this.#api.apiId,
      resourceName: `${STAGE}/*/@connections/*`,
      arnFormat: ArnFormat.SLASH_RESOURCE_NAME,
    });
    return {
      environment: { AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI: `https://${this.domainName}/${STAGE}` },
      statements: [allow(["execute-api:ManageConnections"], [connections])],
    };
  }

  route(routes: Readonly<Record<"$connect" | "$disconnect" | "$default", AtelierFunction>>): void {
    for (const [key, target] of Object.entries(routes)) {
      this.#api.addRoute(key, { integration: new WebSocketLambdaIntegration(key.slice(1), target.function) });
    }
  }
}
