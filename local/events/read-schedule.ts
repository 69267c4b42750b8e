/** Milliseconds between two firings. @throws Error for anything but `rate(<n> <minute(s)|hour(s)|day(s)>)` */
export function readSchedule(expression: string): number {
  const [, count, unit] = /^rate\((\d+) (minute|minutes|hour|hours|day|days)\)$/.exec(expression) ?? [];
  const factor = unit === undefined ? undefined : unitsMs[unit.replace(/s$/, "")];
  // AWS is strict about the plural, and the template must be right there, too.
  if (factor === undefined || Number(count) < 1 || unit?.endsWith("s") !== Number(count) > 1) {
    throw new Error(`ScheduleExpression: ${expression} is not modelled, only rate(...) is`);
  }
  return Number(count) * factor;
}

const unitsMs: Readonly<Record<string, number>> = { minute: 60_000, hour: 3_600_000, day: 86_400_000 };
