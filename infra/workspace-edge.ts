import { readFileSync } from "node:fs";
import { Duration } from "aws-cdk-lib";
import { Certificate } from "aws-cdk-lib/aws-certificatemanager";
import {
  AllowedMethods,
  CachePolicy,
  Distribution,
  Function as EdgeFunction,
  FunctionCode,
  FunctionEventType,
  FunctionRuntime,
  KeyValueStore,
  OriginProtocolPolicy,
  OriginRequestPolicy,
  PriceClass,
  SecurityPolicyProtocol,
  ViewerProtocolPolicy,
} from "aws-cdk-lib/aws-cloudfront";
import { HttpOrigin, S3BucketOrigin } from "aws-cdk-lib/aws-cloudfront-origins";
import type { IBucket } from "aws-cdk-lib/aws-s3";
import { Construct } from "constructs";
import { allow, type Binding } from "./binding.ts";

export interface WorkspaceEdgeProps {
  readonly domain: string;
  readonly certificateArn: string;
  readonly supervisorPort: number;
  /** The viewer-request function's source. */
  readonly functionFile: string;
  /** Where `_atelier/unreachable.html` lies. */
  readonly files: IBucket;
}

/** CloudFront's limit for a function's code, in bytes. */
export const MAX_EDGE_FUNCTION_BYTES = 10_240;

/** The origin of every workspace: a function at the edge sends each request to the task that its proof names, or refuses it. */
export class WorkspaceEdge extends Construct {
  readonly distribution: Distribution;
  readonly #store: KeyValueStore;

  constructor(scope: Construct, id: string, props: WorkspaceEdgeProps) {
    super(scope, id);
    this.#store = new KeyValueStore(this, "Store", { comment: "Atelier: the edge's keys" });
    const viewerRequest = new EdgeFunction(this, "ViewerRequest", {
      comment: "Atelier: checks the proof and picks the task",
      code: FunctionCode.fromInline(readEdgeFunction(props.functionFile)),
      runtime: FunctionRuntime.JS_2_0,
      keyValueStore: this.#store,
      autoPublish: true,
    });
    this.distribution = new Distribution(this, "Distribution", {
      comment: "Atelier: workspaces",
      domainNames: [`*.${props.domain}`],
      certificate: Certificate.fromCertificateArn(this, "Certificate", props.certificateArn),
      minimumProtocolVersion: SecurityPolicyProtocol.TLS_V1_2_2021,
      priceClass: PriceClass.PRICE_CLASS_100,
      defaultBehavior: {
        // The function replaces the host; `.invalid` never resolves (RFC 2606), should it ever not.
        origin: new HttpOrigin("workspace.invalid", {
          protocolPolicy: OriginProtocolPolicy.HTTP_ONLY,
          httpPort: props.supervisorPort,
          readTimeout: Duration.seconds(60),
          keepaliveTimeout: Duration.seconds(60),
        }),
        allowedMethods: AllowedMethods.ALLOW_ALL,
        viewerProtocolPolicy: ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
        cachePolicy: CachePolicy.CACHING_DISABLED,
        // With `Host`: the supervisor answers for its own hosts only.
        originRequestPolicy: OriginRequestPolicy.ALL_VIEWER,
        compress: false,
        functionAssociations: [{ function: viewerRequest, eventType: FunctionEventType.VIEWER_REQUEST }],
      },
      additionalBehaviors: {
        "/_atelier/*": {
          origin: S3BucketOrigin.withOriginAccessControl(props.files),
          viewerProtocolPolicy: ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
          cachePolicy: CachePolicy.CACHING_OPTIMIZED,
        },
      },
      // A proof may outlive its task: the page asks the dashboard for a new one.
      errorResponses: [502, 504].map((httpStatus) => ({
        httpStatus,
        responseHttpStatus: httpStatus,
        responsePagePath: "/_atelier/unreachable.html",
        ttl: Duration.seconds(0),
      })),
    });
  }

  get keyValueStoreArn(): string {
    return this.#store.keyValueStoreArn;
  }

  /** Writing the edge's keys. */
  get keys(): Binding {
    return {
      statements: [
        allow(
          [
            "cloudfront-keyvaluestore:DescribeKeyValueStore",
            "cloudfront-keyvaluestore:ListKeys",
            "cloudfront-keyvaluestore:UpdateKeys",
          ],
          [this.keyValueStoreArn],
        ),
      ],
    };
  }
}

/** @throws Error when the file is missing or larger than CloudFront takes */
export function readEdgeFunction(file: string): string {
  const code = readFileSync(file, "utf8");
  const bytes = Buffer.byteLength(code);
  if (bytes > MAX_EDGE_FUNCTION_BYTES) {
    throw new Error(`${file} has ${bytes} bytes; CloudFront takes ${MAX_EDGE_FUNCTION_BYTES} at most.`);
  }
  return code;
}
