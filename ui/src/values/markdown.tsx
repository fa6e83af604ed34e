/**
 * Markdown that user code or a docstring wrote, as React elements.
 *
 * Nothing of it ever becomes HTML: marked only cuts it into tokens, markup in it is shown as text, links open only for
 * http, https, mailto and places in these pages, and images only from data URLs. There is nothing left to sanitize.
 */

import { lexer, type Token, type Tokens } from "marked";
import { Fragment, useMemo, type ReactNode } from "react";
import css from "./values.module.css";

export function Markdown({ text }: { text: string }) {
  const tokens = useMemo(() => lexer(text), [text]);
  return <div className={css.markdown}>{blocks(tokens)}</div>;
}

function blocks(tokens: readonly Token[]): ReactNode[] {
  return tokens.map((token, at) => <Fragment key={at}>{block(token as Tokens.Generic)}</Fragment>);
}

function block(token: Tokens.Generic): ReactNode {
  switch (token.type) {
    case "heading": {
      const Heading =
        (["h3", "h3", "h4", "h5", "h6", "h6"] as const)[Math.min(token["depth"] as number, 6) - 1] ?? "h6";
      return <Heading>{inlines(token.tokens)}</Heading>;
    }
    case "paragraph":
      return <p>{inlines(token.tokens)}</p>;
    case "text":
      return token.tokens ? inlines(token.tokens) : String(token["text"]);
    case "code":
      return (
        <pre>
          <code>{String(token["text"])}</code>
        </pre>
      );
    case "blockquote":
      return <blockquote>{blocks(token.tokens ?? [])}</blockquote>;
    case "list":
      return list(token as Tokens.List);
    case "table":
      return table(token as Tokens.Table);
    case "hr":
      return <hr />;
    case "space":
    case "def":
      return null;
    default:
      return <p>{token.raw}</p>;
  }
}

function list(token: Tokens.List): ReactNode {
  const items = token.items.map((item, at) => (
    <li key={at}>
      {item.task && (
        <input
          type="checkbox"
          checked={item.checked ?? false}
          readOnly
          disabled
          aria-label={item.checked ? "done" : "open"}
        />
      )}
      {blocks(item.tokens.filter((each) => each.type !== "checkbox"))}
    </li>
  ));
  return token.ordered ? <ol start={token.start || 1}>{items}</ol> : <ul>{items}</ul>;
}

function table(token: Tokens.Table): ReactNode {
  return (
    <div className={css.tableRoom}>
      <table>
        <thead>
          <tr>
            {token.header.map((cell, at) => (
              <th key={at} align={cell.align ?? undefined}>
                {inlines(cell.tokens)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {token.rows.map((row, at) => (
            <tr key={at}>
              {row.map((cell, column) => (
                <td key={column} align={cell.align ?? undefined}>
                  {inlines(cell.tokens)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function inlines(tokens: readonly Token[] | undefined): ReactNode[] {
  return (tokens ?? []).map((token, at) => <Fragment key={at}>{inline(token as Tokens.Generic)}</Fragment>);
}

function inline(token: Tokens.Generic): ReactNode {
  switch (token.type) {
    case "strong":
      return <strong>{inlines(token.tokens)}</strong>;
    case "em":
      return <em>{inlines(token.tokens)}</em>;
    case "del":
      return <del>{inlines(token.tokens)}</del>;
    case "codespan":
      return <code>{decoded(String(token["text"]))}</code>;
    case "br":
      return <br />;
    case "link":
      return anchor(String(token["href"]), inlines(token.tokens));
    case "image":
      return picture(String(token["href"]), String(token["text"]));
    case "escape":
      return String(token["text"]);
    case "text":
      return token.tokens ? inlines(token.tokens) : decoded(String(token["text"]));
    default:
      return token.raw;
  }
}

function anchor(href: string, children: ReactNode): ReactNode {
  if (!isSafeLink(href)) return children;
  return (
    <a href={href} target="_blank" rel="noreferrer noopener">
      {children}
    </a>
  );
}

function picture(href: string, text: string): ReactNode {
  if (isSafeImage(href)) return <img src={href} alt={text} />;
  return anchor(href, text || href);
}

/** `javascript:` and the like never become a link. */
export function isSafeLink(href: string): boolean {
  return /^(https?:|mailto:|\/(?!\/)|#)/i.test(href.trim());
}

/** Only pictures that are here already: the page asks no other server. SVG is left out, since it can hold scripts. */
export function isSafeImage(href: string): boolean {
  return /^data:image\/(png|jpeg|gif|webp);base64,/i.test(href.trim());
}

/** marked leaves entities in text as they are. */
function decoded(text: string): string {
  const known: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', "#39": "'" };
  return text.replace(/&(amp|lt|gt|quot|#39);/g, (all, name: string) => known[name] ?? all);
}
