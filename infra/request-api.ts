import { Stack } from "aws-cdk-lib";
import { HttpApi, type HttpMethod } from "aws-cdk-lib/aws-apigatewayv2";
import { HttpLambdaIntegration } from "aws-cdk-lib/aws-apigatewayv2-integrations";
import { Construct } from "constructs";
import type { AtelierFunction } from "./atelier-function.ts";

/** The HTTP API. No CORS: dashboard and API have one origin. */
export class RequestApi extends Construct {
  readonly #api: HttpApi;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    this.#api = new HttpApi(this, "Api", { description: "JSON-RPC, sign-in and entering" });
  }

  get domainName(): string {
    const { region, urlSuffix } = Stack.of(this);
    return `${this.#api.apiId}.execute-api.${region}.${urlSuffix}`;
  }

  /** @param routes `["POST", "/rpc"]`, ... */
  route(target: AtelierFunction, ...routes: readonly (readonly [`${HttpMethod}`, string])[]): void {
    const integration = new HttpLambdaIntegration(target.node.id, target.function);
    for (const [method, path] of routes) {
      this.#api.addRoutes({ path, methods: [method as HttpMethod], integration });
    }
  }
}
