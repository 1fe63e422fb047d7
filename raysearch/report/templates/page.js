"use strict";
// Tables that sort and copy, figures that tell their values. Without this script the page says all the same.

const make = (tag, properties = {}, ...children) => {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
};

// Sorting by a click on a column's title.
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[table.tHead.rows.length - 1].cells];
  heads.forEach((head, column) => {
    const button = make("button", { type: "button" }, ...head.childNodes);
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
  const x = number(a), y = number(b);
  if (x !== undefined && y !== undefined) return falling ? y - x : x - y;
  if (x !== undefined || y !== undefined) return x !== undefined ? -1 : 1;
  const order = a.textContent.localeCompare(b.textContent, "en", { numeric: true });
  return falling ? -order : order;
}

function number(cell) {
  const text = cell.dataset.sort ?? cell.textContent.replace("−", "-");
  return cell.dataset.sort !== undefined || /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : undefined;
}

// A table as CSV: to the clipboard, or as a file that never leaves the page.
const said = make("p", { className: "unseen" });
said.setAttribute("role", "status");
document.body.append(said);
for (const table of document.querySelectorAll("table")) {
  const name = table.dataset.label;
  const copy = make("button", { type: "button", textContent: "copy" });
  const save = make("button", { type: "button", textContent: "save" });
  copy.setAttribute("aria-label", `Copy ${name} as CSV`);
  save.setAttribute("aria-label", `Save ${name} as a CSV file`);
  const notes = table.parentElement.nextElementSibling;
  (notes?.matches(".notes") ? notes : table.parentElement).after(make("p", { className: "tools" }, "CSV: ", copy, " · ", save));
  copy.addEventListener("click", async () => {
    const done = await copied(separated(table));
    copy.textContent = done ? "copied" : "not allowed here";
    said.textContent = done ? `${name} is in the clipboard.` : `This browser does not let the page copy ${name}; it can be saved.`;
    setTimeout(() => { copy.textContent = "copy"; }, 2000);
  });
  save.addEventListener("click", () => {
    const address = URL.createObjectURL(new Blob([separated(table)], { type: "text/csv" }));
    make("a", { href: address, download: `${table.id}.csv` }).click();
    setTimeout(() => URL.revokeObjectURL(address), 10000);
  });
}

async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = make("textarea", { className: "unseen", value: text });
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}

// As the files of `raysearch report --export`: halves of a cell and its second line have columns of their own.
function separated(table) {
  const top = table.tHead.rows.length > 1 ? [...table.tHead.rows[0].cells].flatMap((cell) => Array(cell.colSpan).fill(cell.textContent.trim())) : [];
  const heads = [...table.tHead.rows[table.tHead.rows.length - 1].cells];
  const rows = [...table.tBodies[0].rows].map((row) => [...row.cells]);
  const columns = heads.flatMap((head, i) => {
    const title = (top[i] ? `${top[i]}: ` : "") + head.textContent.trim();
    const cells = rows.map((row) => row[i]);
    const parts = head.dataset.parts ? head.dataset.parts.split("|") : [""];
    const found = parts.map((part, j) => [part ? `${title} ${part}` : title, ...cells.map((cell) => first(cell, parts.length, j))]);
    if (cells.some((cell) => cell.querySelector("small"))) {
      found.push([`${title}, note`, ...cells.map((cell) => cell.querySelector("small")?.textContent ?? "")]);
    }
    return found;
  });
  const lines = [...Array(rows.length + 1).keys()].map((i) => columns.map((column) => quoted(column[i])).join(","));
  return lines.join("\n") + "\n";
}

function first(cell, parts, part) {
  const text = [...cell.childNodes].filter((node) => node.nodeName !== "SMALL").map((node) => node.textContent).join("");
  return parts > 1 ? text.split("\u00a0/ ")[part] ?? "" : text;
}

// A spreadsheet takes a text that begins like a formula for one and may run it.
function quoted(text) {
  let plain = text === "–" ? "" : text.replaceAll("−", "-").replaceAll("\u00a0", " ").replaceAll("∞", "inf");
  if (/^[=+\-@\t\r]/.test(plain) && !/^[+-]?[\d.,]+(e[+-]?\d+)?%?( [A-Za-z]+)?\**$/.test(plain)) plain = `'${plain}`;
  return /[",\n\r]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
}

// Values of a figure, under the pointer and by the arrow keys. What there is to tell stands in the drawing's metadata.
const hint = make("p", { id: "hint", className: "unseen", textContent: "Arrow keys step through the values, Escape ends." });
const tip = make("div", { className: "tip", hidden: true });
document.querySelector("main").append(hint);
const NEAR = 40;
for (const drawing of document.querySelectorAll(".panel svg")) {
  const source = drawing.querySelector("metadata");
  if (!source) continue;
  const told = JSON.parse(source.textContent);
  const series = told.s.map(([name, xs, ys, across, up]) => xs.map((x, i) => ({ name, x, y: ys[i], across: across[i], up: up[i] })));
  series.forEach((points) => points.sort((a, b) => a.x - b.x || a.y - b.y));
  const panel = drawing.parentElement, box = drawing.viewBox.baseVal;
  const ring = document.createElementNS("http://www.w3.org/2000/svg", "circle");
  ring.setAttribute("class", "ring");
  ring.setAttribute("r", "7");
  let place = null;
  panel.tabIndex = 0;
  panel.setAttribute("role", "group");
  panel.setAttribute("aria-labelledby", drawing.querySelector("title").id);
  panel.setAttribute("aria-describedby", "hint");

  const show = (line, i, speak) => {
    place = { line, i };
    const point = series[line][i];
    const pairs = [[told.x, point.across], [told.y, point.up]].map(([title, text]) => (title ? `${title}: ${text}` : text));
    tip.replaceChildren(...(point.name ? [make("b", { textContent: point.name })] : []), ...pairs.map((text) => make("span", { textContent: text })));
    if (speak) said.textContent = [point.name, ...pairs].filter(Boolean).join(", ");
    ring.setAttribute("cx", point.x);
    ring.setAttribute("cy", point.y);
    drawing.append(ring);
    panel.append(tip);
    tip.hidden = false;
    const scale = drawing.getBoundingClientRect().width / box.width;
    const room = panel.clientWidth - tip.offsetWidth;
    const above = point.y * scale - tip.offsetHeight - 12;
    tip.style.left = `${Math.max(0, Math.min(room, point.x * scale - tip.offsetWidth / 2))}px`;
    tip.style.top = `${above >= 0 ? above : point.y * scale + 14}px`;
  };
  const hide = () => {
    place = null;
    ring.remove();
    if (tip.parentElement === panel) tip.hidden = true;
  };
  const nearest = (points, x, y) =>
    points.reduce((best, point, i) => {
      const away = Math.hypot(point.x - x, y === null ? 0 : point.y - y);
      return away < best.away ? { away, i } : best;
    }, { away: Infinity, i: -1 });

  const pointed = (event) => {
    const at = drawing.getBoundingClientRect(), scale = box.width / at.width;
    const x = (event.clientX - at.left) * scale, y = (event.clientY - at.top) * scale;
    const found = series.map((points, line) => ({ line, ...nearest(points, x, y) })).sort((a, b) => a.away - b.away)[0];
    if (found.away <= NEAR) show(found.line, found.i, false);
    else hide();
  };
  panel.addEventListener("pointermove", pointed);
  panel.addEventListener("pointerdown", pointed);
  panel.addEventListener("pointerleave", hide);
  panel.addEventListener("blur", hide);
  panel.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key], turn = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const line = place?.line ?? 0, last = series[line].length - 1;
    if (event.key === "Escape") return hide();
    if (event.key === "Home") show(line, 0, true);
    else if (event.key === "End") show(line, last, true);
    else if (step) show(line, place ? Math.max(0, Math.min(last, place.i + step)) : 0, true);
    else if (turn) {
      const next = place ? (line + turn + series.length) % series.length : 0;
      show(next, place ? nearest(series[next], series[line][place.i].x, null).i : 0, true);
    } else return;
    event.preventDefault();
  });
}

// A folded section opens for who comes by a link to it, and for the printer.
function unfold(section) {
  const fold = section && section.querySelector(":scope > details.folded");
  if (fold) fold.open = true;
}
const toTarget = () => location.hash.length > 1 && unfold(document.getElementById(location.hash.slice(1)));
addEventListener("hashchange", toTarget);
toTarget();
addEventListener("beforeprint", () => document.querySelectorAll("section").forEach(unfold));
