/** Home: what needs a person now, what runs, what runs next, and how each pipeline has been. */

import { Page } from "@/design/page";
import { NeedsYou } from "@/home/needs-you";
import { NextUp } from "@/home/next-up";
import { Running } from "@/home/running";
import { Strips } from "@/home/strips";
import css from "./page.module.css";

export function HomePage() {
  return (
    <Page title="Home">
      <div className={css.home}>
        <div className={css.pass}>
          <NeedsYou />
        </div>
        <div className={css.clock}>
          <Running />
          <NextUp />
        </div>
        <div className={css.strips}>
          <Strips />
        </div>
      </div>
    </Page>
  );
}
