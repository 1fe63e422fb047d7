"use strict";
// Sorting of tables by a click on a column's title. Without this script the tables stand as they are.
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[table.tHead.rows.length - 1].cells];
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const falling = head.getAttribute("aria-sort") === "ascending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", falling ? "descending" : "ascending");
      const rows = [...body.rows].map((row, place) => ({ row, place, cell: row.cells[column] }));
      rows.sort((a, b) => compare(a.cell, b.cell, falling) || a.place - b.place);
      body.append(...rows.map((entry) => entry.row));
    });
  });
}

// Numbers by size, texts by the alphabet, and what has no number last either way.
function compare(a, b, falling) {
  const x = a.dataset.sort, y = b.dataset.sort;
  if (x !== undefined && y !== undefined) return falling ? y - x : x - y;
  if (x !== undefined || y !== undefined) return x !== undefined ? -1 : 1;
  const order = a.textContent.localeCompare(b.textContent, "en", { numeric: true });
  return falling ? -order : order;
}
