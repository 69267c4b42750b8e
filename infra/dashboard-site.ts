import { Duration, RemovalPolicy } from "aws-cdk-lib";
import { Certificate } from "aws-cdk-lib/aws-certificatemanager";
import {
  AllowedMethods,
  type BehaviorOptions,
  CachePolicy,
  Distribution,
  HeadersFrameOption,
  HeadersReferrerPolicy,
  type IOrigin,
  OriginRequestPolicy,
  PriceClass,
  ResponseHeadersPolicy,
  SecurityPolicyProtocol,
  ViewerProtocolPolicy,
} from "aws-cdk-lib/aws-cloudfront";
import { HttpOrigin, S3BucketOrigin } from "aws-cdk-lib/aws-cloudfront-origins";
import { BlockPublicAccess, Bucket, BucketEncryption, type IBucket } from "aws-cdk-lib/aws-s3";
import { Stack } from "aws-cdk-lib/core";
import { Construct } from "constructs";
import { allow, type Binding } from "./binding.ts";

export interface DashboardSiteProps {
  readonly domain: string;
  readonly certificateArn: string;
  readonly requestApiDomain: string;
  readonly socketApiDomain: string;
}

/** What goes to the HTTP API; everything else is a file. */
const REQUEST_PATHS = ["/rpc", "/login/*", "/logout", "/enter", "/version", "/webhooks/*"];

/** The dashboard's origin: static files, the HTTP API and the WebSocket API behind one name. */
export class DashboardSite extends Construct {
  readonly bucket: Bucket;
  readonly distribution: Distribution;

  constructor(scope: Construct, id: string, props: DashboardSiteProps) {
    super(scope, id);
    this.bucket = new Bucket(this, "Files", {
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      encryption: BucketEncryption.S3_MANAGED,
      enforceSSL: true,
      // Only what can be built again; `publish-site` empties it first.
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const requests = passThrough(new HttpOrigin(props.requestApiDomain));
    this.distribution = new Distribution(this, "Distribution", {
      comment: "Atelier: dashboard",
      domainNames: [props.domain],
      certificate: Certificate.fromCertificateArn(this, "Certificate", props.certificateArn),
      minimumProtocolVersion: SecurityPolicyProtocol.TLS_V1_2_2021,
      defaultRootObject: "index.html",
      priceClass: PriceClass.PRICE_CLASS_100,
      defaultBehavior: {
        origin: S3BucketOrigin.withOriginAccessControl(this.bucket as IBucket),
        viewerProtocolPolicy: ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
        cachePolicy: CachePolicy.CACHING_OPTIMIZED,
        compress: true,
        responseHeadersPolicy: this.#headers(props.domain),
      },
      additionalBehaviors: {
        ...Object.fromEntries(REQUEST_PATHS.map((path) => [path, requests])),
        "/socket": passThrough(new HttpOrigin(props.socketApiDomain)),
      },
    });
  }

  /** Publishing a new site. */
  get publishing(): Binding {
    const { bucketArn } = this.bucket;
    const distribution = Stack.of(this).formatArn({
      service: "cloudfront",
      region: "",
      resource: "distribution",
      resourceName: this.distribution.distributionId,
    });
    return {
      statements: [
        allow(["s3:ListBucket"], [bucketArn]),
        allow(["s3:PutObject", "s3:DeleteObject"], [`${bucketArn}/*`]),
        allow(["cloudfront:CreateInvalidation"], [distribution]),
      ],
    };
  }

  #headers(domain: string): ResponseHeadersPolicy {
    return new ResponseHeadersPolicy(this, "Headers", {
      comment: "Atelier: what the dashboard may load, and who may frame it (nobody)",
      securityHeadersBehavior: {
        contentSecurityPolicy: {
          override: true,
          contentSecurityPolicy: [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self' data:",
            "font-src 'self'",
            "manifest-src 'self'",
            // Not every browser counts the own socket as 'self'.
            `connect-src 'self' wss://${domain}`,
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
          ].join("; "),
        },
        contentTypeOptions: { override: true },
        frameOptions: { override: true, frameOption: HeadersFrameOption.DENY },
        referrerPolicy: { override: true, referrerPolicy: HeadersReferrerPolicy.NO_REFERRER },
        // Browsers heed it over https only.
        strictTransportSecurity: { override: true, accessControlMaxAge: Duration.days(365), includeSubdomains: true },
      },
    });
  }
}

/** Every method, nothing cached, and everything forwarded but `Host`, which must be the API's own. */
function passThrough(origin: IOrigin): BehaviorOptions {
  return {
    origin,
    allowedMethods: AllowedMethods.ALLOW_ALL,
    viewerProtocolPolicy: ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
    cachePolicy: CachePolicy.CACHING_DISABLED,
    originRequestPolicy: OriginRequestPolicy.ALL_VIEWER_EXCEPT_HOST_HEADER,
  };
}
