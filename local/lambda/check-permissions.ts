import { matchesPattern } from "../iam/match-pattern.ts";
import type { Caller, Logger } from "../service.ts";

interface Grant {
  readonly principal: string;
  readonly sourceArn: string | undefined;
}

/** `AWS::Lambda::Permission`s: which services may invoke which function. A missing one is said once; the call goes through. */
export interface InvokePermissions {
  grant(functionArn: string, grant: Grant): void;
  check(functionArn: string, caller: Caller): void;
}

export function createInvokePermissions(log: Logger): InvokePermissions {
  const grants = new Map<string, Grant[]>();
  const reported = new Set<string>();
  return {
    grant: (functionArn, grant) => void grants.set(functionArn, [...(grants.get(functionArn) ?? []), grant]),
    check(functionArn, { principal, sourceArn }) {
      const granted = (grants.get(functionArn) ?? []).some(
        (grant) =>
          grant.principal === principal &&
          (grant.sourceArn === undefined || matchesPattern(grant.sourceArn, sourceArn)),
      );
      const key = `${functionArn} ${principal} ${sourceArn}`;
      if (granted || reported.has(key)) return;
      reported.add(key);
      const name = functionArn.slice(functionArn.lastIndexOf(":") + 1);
      log.error(`missing permission: ${principal} may not invoke ${name} for ${sourceArn} in the template`, {
        function: name,
      });
    },
  };
}
