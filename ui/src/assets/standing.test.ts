import { describe, expect, it } from "vitest";
import type { AssetGraph, AssetSummary } from "@/api/types";
import { chosen, drawn, labelOf, reasonOf, standingOf, valuesOf, worstOf } from "@/assets/standing";

const LAST = {
  partition: "",
  materialized_us: 5,
  observed_us: 0,
  run_id: "r",
  task: "t",
  pipeline: "p",
  rows: 3,
  size_bytes: null,
  data_version: "v",
};

function asset(key: string, fields: Partial<AssetSummary> = {}): AssetSummary {
  return {
    key,
    group: "",
    owner: "",
    tags: [],
    doc: "",
    io: "",
    external: false,
    broken: false,
    upstream: [],
    downstream: [],
    partitions: null,
    materialized_count: 0,
    last: LAST,
    failing_checks: [],
    stale: false,
    why: [],
    pipelines: [],
    freshness: null,
    ...fields,
  };
}

describe("standingOf", () => {
  it("says the worst first", () => {
    const failing_checks = [{ check: "rows", severity: "warn" as const }];
    expect(standingOf(asset("a", { failing_checks, external: true }))).toBe("failing");
    expect(standingOf(asset("a", { external: true, last: null }))).toBe("external");
    expect(standingOf(asset("a", { last: null, stale: true }))).toBe("missing");
    expect(standingOf(asset("a", { last: { ...LAST, materialized_us: 0 }, stale: true }))).toBe("missing");
    expect(standingOf(asset("a", { stale: true }))).toBe("stale");
    expect(standingOf(asset("a"))).toBe("made");
  });

  it("of several is the worst", () => {
    expect(worstOf(["made", "external", "stale"])).toBe("stale");
    expect(worstOf(["made", "external"])).toBe("made");
    expect(worstOf([])).toBe("missing");
  });
});

describe("reasonOf", () => {
  it("names the checks, else what changed", () => {
    expect(reasonOf(asset("a", { failing_checks: [{ check: "rows", severity: "warn" }], why: ["x"] }))).toBe("rows (warn)");
    expect(reasonOf(asset("a", { why: ["its code changed since", "raw changed since"] }))).toBe("its code changed since, raw changed since");
  });
});

const OVERDUE = { state: "overdue", since_us: 2, updated_us: 1, deadline_us: 2, words: "overdue", policy: "not older than 1h" } as const;

describe("chosen", () => {
  const all = [
    asset("marts.delays", { group: "marts", owner: "ana", doc: "Delays by month", freshness: OVERDUE }),
    asset("raw.flights", { group: "raw", tags: ["daily"], stale: true }),
  ];
  const keys = (choice: Parameters<typeof chosen>[1]) => chosen(all, choice).map((each) => each.key);

  it("finds by every word of key, doc, group, owner and tags", () => {
    expect(keys({ search: "MONTH ana" })).toEqual(["marts.delays"]);
    expect(keys({ search: "daily" })).toEqual(["raw.flights"]);
    expect(keys({ search: "daily ana" })).toEqual([]);
  });

  it("filters by group, owner and standing", () => {
    expect(keys({ group: "raw" })).toEqual(["raw.flights"]);
    expect(keys({ owner: "ana" })).toEqual(["marts.delays"]);
    expect(keys({ show: "stale" })).toEqual(["raw.flights"]);
    expect(keys({ show: "overdue" })).toEqual(["marts.delays"]);
    expect(keys({})).toHaveLength(2);
  });

  it("offers the values that there are", () => {
    expect(valuesOf(all, (each) => each.group)).toEqual(["marts", "raw"]);
    expect(valuesOf(all, (each) => each.owner)).toEqual(["ana"]);
  });
});

describe("drawn", () => {
  it("is a graph with a folder for each group", () => {
    const node = { external: false, state: "made" as const, words: "", materialized_us: 0 };
    const graph: AssetGraph = {
      nodes: [
        { ...node, key: "marts.delays", group: "marts" },
        { ...node, key: "flights", group: "" },
      ],
      edges: [{ source: "flights", target: "marts.delays" }],
    };
    const made = drawn(graph);
    expect(made.nodes.map(({ id, label, group }) => [id, label, group])).toEqual([
      ["marts.delays", "delays", "marts"],
      ["flights", "flights", ""],
    ]);
    expect(made.groups).toEqual([{ id: "marts", label: "marts", parent: "" }]);
    expect(made.edges).toEqual([{ source: "flights", target: "marts.delays", kind: "data", label: "" }]);
  });
});

it.each([
  ["warehouse.marts.scores", "marts", "scores"],
  ["marts.scores", "marts", "scores"],
  ["warehouse.raw.events", "", "raw.events"],
  ["app.public.events", "sources", "public.events"],
  ["crm.Contact", "", "crm.Contact"],
  ["stock", "larder", "stock"],
])("%s in the frame %s is called %s", (key, group, label) => {
  expect(labelOf(key, group)).toBe(label);
});
