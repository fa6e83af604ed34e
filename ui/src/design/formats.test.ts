import { afterEach, describe, expect, it, vi } from "vitest";
import { formatted } from "@/design/formats";
import { clock, day, moment, short } from "@/design/words";

const AT = Date.UTC(2026, 10, 22, 21, 4, 19) * 1_000;

afterEach(() => vi.unstubAllGlobals());

describe("formatted", () => {
  it("says what dates say of themselves", () => {
    const date = new Date(AT / 1_000);
    const own = date.toLocaleString("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: "UTC" });
    expect(short(AT, "UTC", "en-GB")).toBe(own);
    expect(moment(AT, "Europe/Madrid", "en-GB")).toContain("22:04:19");
    expect(clock(AT, "UTC", "en-GB")).toBe("21:04");
    expect(day(AT, "Asia/Tokyo", "en-GB")).toBe("23 Nov 2026");
  });

  it("builds one formatter for a form, however many rows show it", () => {
    let built = 0;
    class Counted extends Intl.DateTimeFormat {
      constructor(locale?: string, options?: Intl.DateTimeFormatOptions) {
        super(locale, options);
        built += 1;
      }
    }
    vi.stubGlobal("Intl", { DateTimeFormat: Counted });
    for (let row = 0; row < 100; row += 1) formatted(AT + row, "moment", "America/Lima", "de");
    expect(built).toBe(1);
  });
});
