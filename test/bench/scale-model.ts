/**
 * The model of `bench:scale`: what takes how long on AWS, what it may be asked for each second, and what it costs. Everything that is
 * not marked "measured" is an assumption of this bench; change it here.
 */

/** Milliseconds from a call of a function to its answer, besides what the function itself computes. */
export const LATENCY_MS = {
  /** "single-digit millisecond" (Amazon DynamoDB developer guide, Introduction). */
  dynamodb: 4,
  /** SendMessage: "tens of milliseconds" (Amazon SQS FAQ). */
  sqs: 20,
  /** Posting to a connection, EventBridge, SSM, ECS, EFS, EC2: no figure is published; what they are commonly seen to take. */
  "execute-api": 12,
  events: 20,
  ssm: 20,
  ecs: 80,
  elasticfilesystem: 80,
  ec2: 80,
  /** RunTask alone; the rest of ECS as above. */
  RunTask: 200,
} as const;
/** Each call takes 0.6 to 1.4 times its latency, and one in a hundred five times. */
export const SPREAD = { from: 0.6, to: 1.4, slowOneIn: 100, slowFactor: 5 };
/** What Lambda adds to an invocation of an environment that is there, and of one that it has to make ("from under 100 ms to over 1 second", AWS Lambda operator guide, "Cold starts and latency"; none for Node alone). */
export const LAMBDA_WARM_MS = 5;
export const LAMBDA_COLD_MS = 250;
/** A function of that many MiB has one processor, and less in proportion (AWS Lambda developer guide, "Configure Lambda function memory"). */
export const LAMBDA_MIB_PER_CPU = 1_769;
/** More than that between two calls is this program's garbage collection, not the function's work. */
export const LONGEST_SLICE_MS = 25;
/** From a state of ECS to the function that hears of it; from a queue to the function that polls it. */
export const EVENT_MS = 200;
export const POLL_MS = 30;

/** Quotas per account and Region that local/ does not model; burst and refill a second. */
export const QUOTAS = {
  /** AWS Lambda: concurrent executions. */
  lambdaConcurrency: 1_000,
  /** API Gateway: new WebSocket connections. */
  connections: { burst: 500, perSecond: 500 },
  /** API Gateway: requests of all its APIs. */
  requests: { burst: 5_000, perSecond: 10_000 },
  /** EC2: DescribeNetworkInterfaces is a non-mutating action (Amazon EC2 developer guide, "Request throttling"). */
  describeInterfaces: { burst: 100, perSecond: 20 },
} as const;

/** US dollars, us-east-1, without free tiers. Sources: facts of the design (prices of November 2026) unless said otherwise. */
export const PRICES = {
  /** Amazon DynamoDB pricing, on demand: $0.625 and $0.125 a million. */
  writeUnit: 0.625e-6,
  readUnit: 0.125e-6,
  /** AWS Lambda pricing, arm64: $0.20 a million, $0.0000133334 a GB-second; initialising is billed. */
  invocation: 0.2e-6,
  gigabyteSecond: 0.0000133334,
  /** Amazon API Gateway pricing: HTTP API and WebSocket messages $1.00 a million each, $0.25 a million connection minutes. */
  httpRequest: 1e-6,
  socketMessage: 1e-6,
  connectionMinute: 0.25e-6,
  /** Amazon SQS pricing, standard queues: $0.40 a million requests. */
  queueRequest: 0.4e-6,
  /** Amazon EventBridge pricing: $1.00 a million of our own; those of AWS services are free, as are the calls to ECS, EFS, EC2 and SSM. */
  ownEvent: 1e-6,
  /** Amazon CloudWatch pricing: logs $0.50 a GB. */
  logByte: 0.5e-9,
  /** Amazon CloudFront pricing: HTTPS requests $1.00 a million beyond the ten million a month that are free. */
  edgeRequest: 1e-6,
} as const;
/** What Lambda itself logs of an invocation in JSON (start and report), bytes. */
export const PLATFORM_LOG_BYTES = 550;
/** Bytes of a read and of a write unit. */
export const READ_UNIT_BYTES = 4_096;
export const WRITE_UNIT_BYTES = 1_024;
