import { existsSync, readFileSync } from "node:fs";

interface Report {
  readonly pluginReports?: readonly {
    readonly violations?: readonly {
      readonly ruleName: string;
      readonly description: string;
      readonly severity?: string;
    }[];
  }[];
}

/**
 * CDK ends a synthesis on errors only and prints warnings that nobody reads: here every finding counts that is not
 * acknowledged.
 * @param directory the cloud assembly
 * @throws Error that lists the findings
 */
export function failOnFindings(directory: string): void {
  const file = `${directory}/validation-report.json`;
  if (!existsSync(file)) return;
  const report = JSON.parse(readFileSync(file, "utf8")) as Report;
  const findings = (report.pluginReports ?? []).flatMap(({ violations = [] }) =>
    violations
      .filter(({ severity }) => severity !== "info")
      .map(({ ruleName, description }) => `${ruleName}: ${description}`),
  );
  if (findings.length > 0) {
    throw new Error(
      `The template has findings; repair or acknowledge them in infra/app.ts:\n  ${findings.join("\n  ")}`,
    );
  }
}
