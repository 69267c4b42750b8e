/**
 * What a service of the embedded cloud is. One folder a service; `local/cloud.ts` makes them in order, deploys the template
 * through their resource providers, starts them, and stops them in reverse.
 */

/** Time, so that a whole cloud can run on simulated time. Milliseconds since 1970. */
export interface Clock {
  now(): number;
  setTimeout(callback: () => void, ms: number): Timer;
}
export interface Timer {
  cancel(): void;
}

/** Randomness, so that a history can be replayed from its seed. */
export interface RandomSource {
  bytes(length: number): Buffer;
}

export interface Logger {
  info(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
  error(message: string, fields?: Record<string, unknown>): void;
}

/** What every service is made with. */
export interface ServiceContext {
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly log: Logger;
  /** Folder that only this service writes to, made on demand; `undefined` for a cloud in memory. */
  readonly stateDirectory: string | undefined;
  readonly region: string;
  readonly accountId: string;
  /** `false`: nothing listens on the machine; requests are handed over within the process. */
  readonly listens?: boolean | undefined;
}

/** `executed`: the service acts on it. Otherwise the reason why it has no effect here. Whatever is not listed is refused. */
export type Disposition = "executed" | { readonly inert: string };

/** What `Ref` and `Fn::GetAtt` give of a resource. */
export interface Deployed {
  readonly ref: string;
  readonly attributes?: Readonly<Record<string, unknown>>;
}

/** One CloudFormation resource type. */
export interface ResourceProvider {
  /** Top-level properties. For an inert type, all of them may stand under `"*"`. */
  readonly properties: Readonly<Record<string, Disposition>>;
  /**
   * Makes the resource, or finds it as it was left by an earlier run (state is found by logical id).
   * @param properties with all intrinsics resolved
   * @param type of the resource as the template names it; custom resources have many
   * @throws Error that says which property has a value that is not modelled
   */
  deploy(logicalId: string, properties: Readonly<Record<string, unknown>>, type?: string): Promise<Deployed>;
}

/** An AWS API request as it came over the wire, signature's scope already read. */
export interface ApiRequest {
  /** Signing name: `dynamodb`, `ecs`, `elasticfilesystem`, `events`, `sqs`, `ssm`, `ec2`, `s3`, `cloudfront`, `cloudfront-keyvaluestore`, `execute-api`. */
  readonly service: string;
  readonly method: string;
  /** Path as sent, still encoded. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

export interface ApiResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | string;
}

export interface Service {
  /** Its folder's name. */
  readonly name: string;
  /** Resource types that it deploys. */
  readonly resources: Readonly<Record<string, ResourceProvider>>;
  /** Answers its AWS API; IAM was checked before. */
  readonly api?: { readonly signingName: string; handle(request: ApiRequest): Promise<ApiResponse> };
  /** The IAM actions that a request needs, with resource ARNs: `[{action: "ecs:RunTask", resource: "arn:..."}]`. */
  readonly permissions?: (request: ApiRequest) => readonly { action: string; resource: string }[];
  /** After everything is deployed. */
  start?(): Promise<void>;
  /** Ends what it started. */
  stop?(): Promise<void>;
}

/** What services may ask of the Lambda service. */
export interface FunctionInvoker {
  /** Synchronous invocation (6 MB limits). A thrown error of the handler comes back as `error`, as AWS gives it. */
  invoke(functionArn: string, payload: unknown, caller?: Caller): Promise<InvokeResult>;
  /** Asynchronous invocation: queued, retried twice after errors, then to its failure destination. */
  invokeAsync(functionArn: string, payload: unknown, caller?: Caller): void;
}
/** A service that invokes: it needs an `AWS::Lambda::Permission`; one that is missing is an error in the log. */
export interface Caller {
  /** `events.amazonaws.com`, `apigateway.amazonaws.com` ... */
  readonly principal: string;
  readonly sourceArn: string;
}
export type InvokeResult =
  | { readonly ok: true; readonly payload: unknown }
  | {
      readonly ok: false;
      readonly error: { readonly errorType: string; readonly errorMessage: string; readonly trace?: readonly string[] };
    };

/** What services may ask of EventBridge: AWS's own events go to the default bus. */
export interface EventSink {
  put(event: {
    source: string;
    "detail-type": string;
    detail: unknown;
    resources?: readonly string[];
    time?: string;
  }): void;
}

/** Turns the public DNS name of a task into where it listens on this machine; `undefined` for an unknown name. */
export interface AddressBook {
  resolve(publicDnsName: string, port: number): { host: string; port: number } | undefined;
}
