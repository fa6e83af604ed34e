// Before the first paint, so that a dark page never flashes white. A file of its own: the CSP allows no inline script.
(() => {
  try {
    const chosen = localStorage.getItem("toque.theme");
    if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
  } catch {
    // Storage may be forbidden; the system's choice then holds.
  }
})();
