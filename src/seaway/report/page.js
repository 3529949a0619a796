// What a page does beyond being read: sortable tables, the theme, tooltips at once, the current place in the contents.
// Nothing here makes text: only textContent and attributes are set, so no value of the data can become markup.
(() => {
  "use strict";
  const root = document.documentElement;

  // Theme: the system's, until a person chooses.
  const remember = (theme) => { try { localStorage.setItem("seaway-theme", theme); } catch { /* private window */ } };
  const recall = () => { try { return localStorage.getItem("seaway-theme"); } catch { return null; } };
  const chosen = recall();
  if (chosen === "light" || chosen === "dark") root.dataset.theme = chosen;
  const isDark = () => (root.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  const button = document.querySelector("button.theme");
  if (button) {
    const name = () => { button.textContent = isDark() ? "Light" : "Dark"; };
    button.hidden = false;
    button.addEventListener("click", () => { root.dataset.theme = isDark() ? "light" : "dark"; remember(root.dataset.theme); name(); });
    name();
  }

  // Sorting: by the cell's data-sort where it has one, else by its text. Cells without a value stay last either way.
  for (const table of document.querySelectorAll("table.sortable")) {
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, place) => {
      const sorter = document.createElement("button");
      sorter.type = "button";
      sorter.append(...head.childNodes);
      head.append(sorter);
      // Numbers are asked for from the top, words from A.
      const first = head.classList.contains("number") ? "descending" : "ascending";
      const second = first === "ascending" ? "descending" : "ascending";
      sorter.addEventListener("click", () => {
        const order = head.getAttribute("aria-sort") === first ? second : first;
        const sign = order === "ascending" ? 1 : -1;
        heads.forEach((other) => other.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", order);
        const key = (row) => { const cell = row.cells[place]; return cell.dataset.sort ?? cell.textContent.trim(); };
        const compare = (a, b) => {
          const x = key(a), y = key(b);
          if (x === "" || y === "") return (x === "") - (y === "");
          const numeric = !Number.isNaN(+x) && !Number.isNaN(+y);
          return sign * (numeric ? x - y : x.localeCompare(y, undefined, { numeric: true }));
        };
        const body = table.tBodies[0];
        body.append(...[...body.rows].sort(compare));
      });
    });
  }

  // Tooltips: an SVG <title> shown at once and styled, instead of after a delay.
  const tip = document.createElement("div");
  tip.className = "tooltip"; tip.hidden = true; tip.setAttribute("aria-hidden", "true");
  document.body.append(tip);
  for (const title of document.querySelectorAll("svg.figure title")) {
    const mark = title.parentElement;
    if (mark.tagName === "svg") { title.remove(); continue; }
    mark.setAttribute("aria-label", title.textContent);
    mark.dataset.tip = title.textContent;
    title.remove();
  }
  document.addEventListener("pointermove", (event) => {
    const mark = event.target.closest?.("[data-tip]");
    tip.hidden = !mark;
    if (!mark) return;
    tip.textContent = mark.dataset.tip;
    const box = tip.getBoundingClientRect();
    tip.style.left = `${Math.max(8, Math.min(event.clientX + 14, innerWidth - box.width - 8))}px`;
    tip.style.top = `${event.clientY + 18 + box.height > innerHeight ? event.clientY - box.height - 12 : event.clientY + 18}px`;
  }, { passive: true });

  // Paper has no clicks: what is folded is opened for it.
  addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((fold) => { fold.open = true; }));

  // The contents follow the reader.
  const places = new Map([...document.querySelectorAll("nav.contents a")].map((a) => [a.hash.slice(1), a]));
  if (places.size && "IntersectionObserver" in window) {
    const seen = new Set();
    const observer = new IntersectionObserver((entries) => {
      for (const entry of entries) entry.isIntersecting ? seen.add(entry.target.id) : seen.delete(entry.target.id);
      const first = [...places.keys()].find((id) => seen.has(id));
      places.forEach((a, id) => (id === first ? a.setAttribute("aria-current", "true") : a.removeAttribute("aria-current")));
    });
    places.forEach((_, id) => { const part = document.getElementById(id); if (part) observer.observe(part); });
  }
})();
