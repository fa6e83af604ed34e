import { renderToStaticMarkup } from "react-dom/server";
import { describe, expect, it } from "vitest";
import { isSafeImage, isSafeLink, Markdown } from "@/values/markdown";

const html = (text: string) => renderToStaticMarkup(<Markdown text={text} />);

describe("Markdown", () => {
  it("draws what reports use", () => {
    const drawn = html(
      "# Delays\n\nThe **worst** was `UA`.\n\n| a | b |\n|---|--:|\n| 1 | 2 |\n\n- one\n- two\n\n```\nx < 1\n```",
    );
    expect(drawn).toContain("<h3>Delays</h3>");
    expect(drawn).toContain("<strong>worst</strong>");
    expect(drawn).toContain('<td align="right">2</td>');
    expect(drawn.match(/<li>/g)).toHaveLength(2);
    expect(drawn).toContain("x &lt; 1");
  });

  it("shows markup as text and never runs it", () => {
    const drawn = html('<script>alert(1)</script>\n\na <img src=x onerror="alert(1)"> b');
    expect(drawn).not.toContain("<script");
    expect(drawn).not.toContain("<img");
    expect(drawn).toContain("&lt;script&gt;");
  });

  it("leaves no link that could run or be taken for a page of ours", () => {
    expect(html("[x](javascript:alert(1))")).not.toContain("href");
    expect(html("[x](https://example.org)")).toContain('rel="noreferrer noopener"');
    expect([isSafeLink("//evil.example"), isSafeLink("/runs/1"), isSafeLink(" JAVASCRIPT:x")]).toEqual([
      false,
      true,
      false,
    ]);
  });

  it("shows pictures only from data, and no SVG", () => {
    expect(html("![p](https://example.org/p.png)")).not.toContain("<img");
    expect(isSafeImage("data:image/png;base64,AAAA")).toBe(true);
    expect(isSafeImage("data:image/svg+xml;base64,AAAA")).toBe(false);
  });
});
