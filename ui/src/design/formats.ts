/** Dates in the viewer's words. `Date.toLocaleString` builds a formatter at each call, which made lists slow to scroll. */

export type Form = "moment" | "short" | "clock" | "day";

const FORMS: Record<Form, Intl.DateTimeFormatOptions> = {
  moment: { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" },
  short: { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" },
  clock: { hour: "2-digit", minute: "2-digit", hourCycle: "h23" },
  day: { day: "numeric", month: "short", year: "numeric" },
};

/** One for each form, zone and language that a page has shown. */
const known = new Map<string, Intl.DateTimeFormat>();

export function formatted(us: number, form: Form, zone?: string, locale?: string): string {
  const key = `${form} ${zone ?? ""} ${locale ?? ""}`;
  let format = known.get(key);
  if (!format) known.set(key, (format = new Intl.DateTimeFormat(locale, { ...FORMS[form], timeZone: zone })));
  return format.format(us / 1_000);
}
