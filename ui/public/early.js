// What a page asks first, asked before its code is there: `src/api/early.ts` hands the answers to whoever asks the same.
// A file of its own, since the CSP allows no inline script.
(() => {
  // A key in the address is traded for a session first.
  if (new URLSearchParams(location.search).has("key")) return;
  const [, place, name, view] = location.pathname.split("/");
  const asks = ["/session", "/attention?limit=200"];
  const whole = { "": ["/pipelines?limit=500"], pipelines: ["/pipelines?limit=500"], assets: ["/assets?limit=500"], pools: ["/pools"], system: ["/system"] };
  if (!name) asks.push(...(whole[place] ?? []));
  else if (place === "runs") {
    asks.push(`/runs/${name}`, `/runs/${name}/graph`);
    if (view === "timeline") asks.push(`/runs/${name}/timeline?limit=5000`);
  } else if (place === "pipelines") {
    asks.push(`/pipelines/${name}`);
    if (!view || view === "grid") asks.push(`/pipelines/${name}/grid?limit=100`);
    if (view === "graph" && !location.search) asks.push(`/pipelines/${name}/graph`);
  }
  window.toqueEarly = new Map(
    asks.map((path) => {
      const answer = fetch(`/api/v1${path}`, { headers: { Accept: "application/json" }, credentials: "same-origin" });
      answer.catch(() => undefined);
      return [`/api/v1${path}`, answer];
    }),
  );
})();
