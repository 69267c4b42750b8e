import { ArnFormat, CfnParameter, type CfnParameterProps, Fn, Stack } from "aws-cdk-lib";
import { Construct } from "constructs";
import { allow, type Binding } from "./binding.ts";

export interface ParametersProps {
  /** Becomes the default of the parameter; without it, whoever deploys must say. */
  readonly dashboardDomain?: string | undefined;
  readonly workspaceDomain?: string | undefined;
}

/** Everything that differs from one deployment to the next. */
export class Parameters extends Construct {
  readonly dashboardDomain: string;
  readonly workspaceDomain: string;
  /** `https://atelier.example.com` */
  readonly dashboardOrigin: string;
  /** What follows the label in a workspace's host: `.workspaces.example.net` */
  readonly workspaceHostSuffix: string;
  readonly maxRunningInstances: string;
  readonly privateGitHosts: string;
  readonly dashboardCertificateArn: string;
  readonly workspaceCertificateArn: string;
  readonly originFacingPrefixList: string;
  /** How the OpenID provider is called, by programs and by people. */
  readonly openIdProvider: Binding;
  /** Its client, with the right to read the client's secret. */
  readonly openIdClient: Binding;

  constructor(scope: Construct, id: string, props: ParametersProps) {
    super(scope, id);
    this.dashboardDomain = this.#declare("DashboardDomain", {
      description: "Host name of the dashboard, e.g. atelier.example.com",
      default: props.dashboardDomain,
      ...domain,
    });
    this.workspaceDomain = this.#declare("WorkspaceDomain", {
      description: "Workspaces are served at <id>.<this>. It must share no registrable domain with the dashboard.",
      default: props.workspaceDomain,
      ...domain,
    });
    const scheme = this.#declare("Scheme", {
      description: "https; http only where nothing but loopback is served",
      default: "https",
      allowedValues: ["http", "https"],
    });
    const portSuffix = this.#declare("PortSuffix", {
      description: "Empty, or a colon and the port when it is not the scheme's own",
      default: "",
      allowedPattern: "(:[1-9][0-9]{0,4})?",
    });
    this.dashboardOrigin = `${scheme}://${this.dashboardDomain}${portSuffix}`;
    this.workspaceHostSuffix = `.${this.workspaceDomain}${portSuffix}`;

    const secret = this.#declare("OidcClientSecretParameter", {
      description: "Name of the SSM SecureString that holds the OpenID client's secret",
      default: "/atelier/oidc-client-secret",
      allowedPattern: "/[a-zA-Z0-9_./-]+",
    });
    this.openIdProvider = {
      environment: {
        OIDC_PROVIDER: this.#declare("OidcProvider", {
          description: "Name of the provider in the address of the sign-in: /login/<provider>",
          default: "company",
          allowedPattern: "[a-z][a-z0-9-]*",
        }),
        OIDC_PROVIDER_NAME: this.#declare("OidcProviderName", {
          description: "What people call the provider; the sign-in button shows it",
          default: "your company account",
        }),
      },
    };
    this.openIdClient = {
      environment: {
        OIDC_ISSUER: this.#declare("OidcIssuer", {
          description: "Issuer URL of the OpenID provider",
          allowedPattern: "https?://.+",
        }),
        OIDC_CLIENT_ID: this.#declare("OidcClientId", { description: "Client id at the OpenID provider" }),
        OIDC_CLIENT_SECRET_PARAMETER: secret,
      },
      statements: [allow(["ssm:GetParameter"], [parameterArn(this, secret)])],
    };

    this.maxRunningInstances = this.#declare("MaxRunningInstances", {
      description: "How many workspaces a person may run at once",
      type: "Number",
      default: 16,
      minValue: 1,
      maxValue: 100,
    });
    this.privateGitHosts = this.#declare("PrivateGitHosts", {
      description: "Whether Git hosts with private addresses may be asked",
      default: "refuse",
      allowedValues: ["allow", "refuse"],
    });
    this.dashboardCertificateArn = this.#declare("DashboardCertificateArn", {
      description: "ACM certificate (us-east-1) for DashboardDomain",
      allowedPattern: certificate,
    });
    this.workspaceCertificateArn = this.#declare("WorkspaceCertificateArn", {
      description: "ACM certificate (us-east-1) for *.WorkspaceDomain",
      allowedPattern: certificate,
    });
    this.originFacingPrefixList = this.#declare("OriginFacingPrefixList", {
      description:
        "Id of this region's managed prefix list com.amazonaws.global.cloudfront.origin-facing (the default is us-east-1's)",
      default: "pl-3b927c52",
      allowedPattern: "pl-[0-9a-f]+",
    });
  }

  /** Its logical id is its name: whoever deploys types it. */
  #declare(name: string, props: CfnParameterProps): string {
    const parameter = new CfnParameter(this, name, props);
    parameter.overrideLogicalId(name);
    return props.type === "Number" ? Fn.ref(name) : parameter.valueAsString;
  }
}

/** ARN of an SSM parameter whose name begins with a slash. */
export function parameterArn(scope: Construct, name: string): string {
  return Stack.of(scope).formatArn({
    service: "ssm",
    resource: `parameter${name}`,
    arnFormat: ArnFormat.NO_RESOURCE_NAME,
  });
}

const domain = {
  allowedPattern: "[a-z0-9]([a-z0-9-]*[a-z0-9])?(\\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*",
  constraintDescription: "must be a host name in lower case",
};
const certificate = "arn:[a-z-]+:acm:us-east-1:[0-9]{12}:certificate/.+";
