import type { ApiRequest, ApiResponse } from "../service.ts";
import { ApiError, toApiError } from "./api-error.ts";

/** Elements by name; an array repeats its element, `undefined` leaves it out, keys that begin with `@` are attributes. */
export type XmlValue =
  | string
  | number
  | boolean
  | undefined
  | readonly XmlValue[]
  | { readonly [name: string]: XmlValue };

/** `<?xml ...?><name>...</name>` */
export function toXml(name: string, value: XmlValue): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n${element(name, value)}`;
}

function element(name: string, value: XmlValue): string {
  if (value === undefined) return "";
  if (Array.isArray(value)) return value.map((item) => element(name, item)).join("");
  if (typeof value !== "object") return `<${name}>${escapeXml(String(value))}</${name}>`;
  const entries = Object.entries(value as { readonly [name: string]: XmlValue });
  const attributes = entries
    .filter(([key]) => key.startsWith("@"))
    .map(([key, text]) => ` ${key.slice(1)}="${escapeXml(String(text))}"`);
  const children = entries.filter(([key]) => !key.startsWith("@")).map(([key, child]) => element(key, child));
  return `<${name}${attributes.join("")}>${children.join("")}</${name}>`;
}

export function escapeXml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** A REST-XML answer with status 200 (or `status`). */
export function xmlAnswer(name: string, value: XmlValue, status = 200): ApiResponse {
  return { status, headers: { "content-type": "application/xml" }, body: toXml(name, value) };
}

/** An error as S3 writes it: `<Error>` is the root. */
export function s3Error(error: ApiError): ApiResponse {
  return xmlAnswer("Error", { Code: error.code, Message: error.message, RequestId: requestId }, error.status);
}

/** An error as CloudFront and other REST-XML and Query services write it: `<ErrorResponse><Error>`. */
export function restXmlError(error: ApiError): ApiResponse {
  const type = error.status < 500 ? "Sender" : "Receiver";
  const details = { Type: type, Code: error.code, Message: error.message };
  return xmlAnswer("ErrorResponse", { Error: details, RequestId: requestId }, error.status);
}

/** One operation of a Query service: takes the form's fields, gives the children of `<OperationResponse>`. */
export type QueryOperation = (form: URLSearchParams) => XmlValue | Promise<XmlValue>;

/** Answers the EC2 flavour of the Query protocol: `Action=...` in a form, lists as `<item>` elements under a set. */
export async function answerEc2Query(
  request: ApiRequest,
  operations: Readonly<Record<string, QueryOperation>>,
): Promise<ApiResponse> {
  try {
    const form = new URLSearchParams(request.body.toString("utf8"));
    const action = form.get("Action") ?? "";
    const operation = Object.hasOwn(operations, action) ? operations[action] : undefined;
    if (operation === undefined) {
      throw new ApiError("InvalidAction", `${request.service}:${action} is not modelled by the embedded cloud`);
    }
    const output = await operation(form);
    const children = typeof output === "object" && !Array.isArray(output) ? output : {};
    return xmlAnswer(`${action}Response`, {
      "@xmlns": "http://ec2.amazonaws.com/doc/2016-11-15/",
      requestId,
      ...(children as Record<string, XmlValue>),
    });
  } catch (thrown) {
    const error = toApiError(thrown);
    const details = { Error: { Code: error.code, Message: error.message } };
    return xmlAnswer("Response", { Errors: details, RequestID: requestId }, error.status);
  }
}

/** Clients show it in their errors; the embedded cloud's log needs no search by it. */
const requestId = "00000000-0000-0000-0000-000000000000";
