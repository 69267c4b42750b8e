import type { Clock, FunctionInvoker, InvokeResult } from "#local/service.ts";
import type { Integration } from "./api-state.ts";

/** @returns `"late"` when the integration's time is over; the function goes on, as on AWS */
export function invokeIntegration(
  invoker: FunctionInvoker,
  clock: Clock,
  integration: Integration,
  event: unknown,
): Promise<InvokeResult | "late"> {
  return new Promise((resolve) => {
    const timer = clock.setTimeout(() => resolve("late"), integration.timeoutMs);
    const settle = (result: InvokeResult): void => {
      timer.cancel();
      resolve(result);
    };
    invoker.invoke(integration.functionArn, event).then(settle, (error: unknown) => {
      settle({ ok: false, error: { errorType: "ServiceException", errorMessage: String(error) } });
    });
  });
}
