import { RemovalPolicy } from "aws-cdk-lib";
import { AttributeType, BillingMode, Table as DynamoTable, ProjectionType } from "aws-cdk-lib/aws-dynamodb";
import { Construct } from "constructs";
import { allow, type Binding } from "./binding.ts";

/** The one table. What its items look like stands in ARCHITECTURE.md. */
export class Table extends Construct {
  readonly #table: DynamoTable;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    this.#table = new DynamoTable(this, "Table", {
      partitionKey: { name: "pk", type: AttributeType.STRING },
      sortKey: { name: "sk", type: AttributeType.STRING },
      billingMode: BillingMode.PAY_PER_REQUEST,
      timeToLiveAttribute: "ttl",
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      removalPolicy: RemovalPolicy.RETAIN,
    });
    this.#table.addGlobalSecondaryIndex({
      indexName: "byOwner",
      partitionKey: { name: "gsi1pk", type: AttributeType.STRING },
      sortKey: { name: "gsi1sk", type: AttributeType.STRING },
      projectionType: ProjectionType.ALL,
    });
    this.#table.addGlobalSecondaryIndex({
      indexName: "byDeadline",
      partitionKey: { name: "gsi2pk", type: AttributeType.STRING },
      sortKey: { name: "gsi2sk", type: AttributeType.NUMBER },
      projectionType: ProjectionType.ALL,
    });
  }

  /** Items and indexes; no scans, no transactions, nothing of the table itself. */
  get items(): Binding {
    const { tableArn, tableName } = this.#table;
    return {
      environment: { TABLE_NAME: tableName },
      statements: [
        allow(
          [
            "dynamodb:BatchGetItem",
            "dynamodb:BatchWriteItem",
            "dynamodb:DeleteItem",
            "dynamodb:GetItem",
            "dynamodb:PutItem",
            "dynamodb:Query",
            "dynamodb:UpdateItem",
          ],
          [tableArn, `${tableArn}/index/*`],
        ),
      ],
    };
  }
}
