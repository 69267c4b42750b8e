/** What a bucket's policy lets CloudFront do. Only what the S3 origin asks is evaluated: everything else goes through IAM. */
type Text = string | readonly string[];
interface Statement {
  readonly Effect: "Allow" | "Deny";
  readonly Action: Text;
  readonly Resource: Text;
  readonly Principal?: "*" | Readonly<Record<string, Text>>;
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}
export interface BucketPolicy {
  readonly Statement: readonly Statement[];
}

/** @param sourceArn of the distribution that signs; `undefined` for an unsigned request */
export function allowsCloudFront(
  policy: BucketPolicy | undefined,
  action: string,
  resource: string,
  sourceArn: string | undefined,
): boolean {
  const applying = (policy?.Statement ?? []).filter(
    (statement) =>
      names(statement.Action).some((pattern) => matches(pattern, action)) &&
      names(statement.Resource).some((pattern) => matches(pattern, resource)) &&
      isCloudFront(statement.Principal, sourceArn) &&
      Object.entries(statement.Condition ?? {}).every(([operator, values]) => holds(operator, values, sourceArn)),
  );
  return applying.some(({ Effect }) => Effect === "Allow") && !applying.some(({ Effect }) => Effect === "Deny");
}

const names = (text: Text): readonly string[] => (typeof text === "string" ? [text] : text);

function matches(pattern: string, value: string): boolean {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
  return new RegExp(`^${source}$`, "is").test(value);
}

function isCloudFront(principal: Statement["Principal"], sourceArn: string | undefined): boolean {
  if (principal === "*") return true;
  if (principal?.AWS !== undefined && names(principal.AWS).includes("*")) return true;
  return sourceArn !== undefined && names(principal?.Service ?? []).includes("cloudfront.amazonaws.com");
}

/** An operator or key that is not known here does not hold: for `Allow` that is the safe side. */
function holds(operator: string, values: Readonly<Record<string, unknown>>, sourceArn: string | undefined): boolean {
  return Object.entries(values).every(([key, expected]) => {
    const texts = names(expected as Text).map(String);
    if (key.toLowerCase() === "aws:sourcearn" && sourceArn !== undefined) {
      if (operator === "StringEquals" || operator === "ArnEquals") return texts.includes(sourceArn);
      if (operator === "StringLike" || operator === "ArnLike") return texts.some((text) => matches(text, sourceArn));
    }
    // Requests on loopback stand for the TLS ones of AWS: the usual "deny without TLS" statement must not apply.
    if (key.toLowerCase() === "aws:securetransport" && operator === "Bool") return texts.includes("true");
    return false;
  });
}
