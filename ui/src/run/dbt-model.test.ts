import { describe, expect, it } from "vitest";
import type { DbtModel, NodeStatus } from "@/api/types";
import { docsOf, tallyOf, tallyWords, toldOf } from "@/run/dbt-model";

const node = (task: string, state: string): NodeStatus => ({ task, counts: { waiting: 0, [state]: 1 }, total: 1, started_us: 1, finished_us: 2, size: -1 });
const model = (...tests: string[]): DbtModel => ({ task: "m", tests: tests.map((task) => ({ task, name: task })) }) as unknown as DbtModel;

describe("toldOf", () => {
  it("takes the one state of each task", () => {
    const told = toldOf([node("a", "failed"), { ...node("b", "ready"), counts: {} }]);
    expect([told.get("a")?.state, told.get("b")?.state, told.get("c")]).toEqual(["failed", "waiting", undefined]);
  });
});

describe("tallyOf", () => {
  it("counts tests that held, failed and did not run", () => {
    const told = toldOf([node("a", "succeeded"), node("b", "failed"), node("c", "upstream_failed")]);
    expect(tallyWords(tallyOf(model("a", "b", "c", "d"), told))).toBe("1 failed, 1 held, 2 not run");
    expect(tallyWords(tallyOf(model("a"), told))).toBe("1 held");
    expect(tallyWords(tallyOf(model(), told))).toBe("none");
  });
});

describe("docsOf", () => {
  it("leads to the place of the model in the page that dbt made, if it makes one", () => {
    const known = { ...model(), unique_id: "seed.shop.plans", docs: "dbt-shop" };
    expect(docsOf(known)).toBe("/api/v1/dbt/dbt-shop/docs#!/seed/seed.shop.plans");
    expect(docsOf({ ...known, docs: "" })).toBe("");
  });
});
