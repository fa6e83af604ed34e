import { renderToStaticMarkup } from "react-dom/server";
import { describe, expect, it } from "vitest";
import { Problem } from "@/api/problem";
import { ProblemBox } from "@/design/problem-box";
import { local, said } from "@/design/said";

describe("sentences of the server", () => {
  it("tell instants in the viewer's zone", () => {
    const words = local("the next one starts at 2026-11-23 01:18:12 UTC", "Europe/Madrid", "en-GB");
    expect(words).toBe("the next one starts at 23 Nov 2026, 02:18:12");
  });

  it("show as code what stands in backticks", () => {
    expect(renderToStaticMarkup(<p>{said("ask `toque list` again")}</p>)).toBe("<p>ask <code>toque list</code> again</p>");
  });

  it("leave requests to scripts", () => {
    const fix = "`toque list` (or GET /api/v1/pipelines) names them; those of a broken file are missing; GET /api/v1/files says why";
    const html = renderToStaticMarkup(<ProblemBox problem={new Problem(404, "Not found", "there is no pipeline", fix)} />);
    expect(html).toContain("<code>toque list</code> names them; those of a broken file are missing</p>");
    expect(html).not.toContain("GET");
  });
});
