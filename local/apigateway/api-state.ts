/** What the template says of an API, as the servers read it. */
export interface Integration {
  readonly functionArn: string;
  readonly timeoutMs: number;
}

export interface Route {
  /** `POST /rpc`, `$default`, `$connect` ... */
  readonly routeKey: string;
  readonly integration: Integration;
  /** Of a WebSocket route: the integration's answer goes back to the client. */
  readonly answers: boolean;
}

export interface Api {
  readonly id: string;
  readonly protocol: "HTTP" | "WEBSOCKET";
  /** `<id>.execute-api.<region>.amazonaws.com` */
  readonly domainName: string;
  /** WebSocket: the property of a message's JSON body that names its route, as a path. */
  readonly selection: readonly string[];
  readonly routes: Map<string, Route>;
  readonly stages: Set<string>;
}
