// What a page does beyond being read: dark or light, tables that sort, figures that enlarge. All is there without it.
"use strict";

const make = (tag, properties, ...children) => {
  const element = Object.assign(document.createElement(tag), properties);
  return element.append(...children), element;
};

const page = document.documentElement, system = matchMedia("(prefers-color-scheme: dark)");
const stored = (act) => { try { return act(localStorage); } catch { return null; } }; // a browser may forbid it
const dark = () => (page.dataset.scheme || (system.matches ? "dark" : "light")) === "dark";
page.dataset.scheme = stored((storage) => storage.getItem("scheme")) ?? ""; // before anything is drawn

function schemes() {
  const button = make("button", { className: "scheme", textContent: "Dark", ariaPressed: dark() });
  button.onclick = () => {
    page.dataset.scheme = dark() ? "light" : "dark";
    stored((storage) => storage.setItem("scheme", dark() === system.matches ? "" : page.dataset.scheme));
    button.ariaPressed = dark();
  };
  system.onchange = () => { button.ariaPressed = dark(); };
  document.querySelector("header").append(button);
}

const NOTHING = /^(|[-–—]|nan|none)$/i; // stands last, whichever way a column is sorted
const NUMBER = /^[<>≤≥~]?\s*([-+−]?\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?)(?!\w|-\w|\.\d)/i; // 81.3 of "81.3 [61.8, 89.6]"
const number = (text) => Number(text.match(NUMBER)?.[1].replaceAll(",", "").replace("−", "-") ?? NaN);

function sorted(rows, column, way) {
  const text = (row) => row.cells[column].textContent.trim();
  const full = rows.filter((row) => !NOTHING.test(text(row)));
  const numeric = full.every((row) => !Number.isNaN(number(text(row))));
  const words = (a, b) => text(a).localeCompare(text(b), "en", { numeric: true });
  const order = numeric ? (a, b) => number(text(a)) - number(text(b)) : words;
  return [...full.sort(way === "ascending" ? order : (a, b) => order(b, a)), ...rows.filter((row) => !full.includes(row))];
}

function sortable(table) {
  const rows = [...table.tBodies[0].rows], heads = [...table.tHead?.rows ?? []].at(-1)?.cells ?? [];
  const even = ({ cells }) => cells.length === heads.length && [...cells].every((c) => c.rowSpan * c.colSpan === 1);
  if (rows.length < 3 || ![{ cells: heads }, ...rows].every(even)) return;
  for (const head of [...heads].filter((cell) => cell.textContent.trim())) {
    const button = make("button", { title: "Sort" }, ...head.childNodes);
    head.append(button);
    button.onclick = () => { // up, down, as it was
      const way = { ascending: "descending", descending: null, null: "ascending" }[head.ariaSort];
      for (const other of heads) other.ariaSort = other === head ? way : null;
      table.tBodies[0].append(...(way ? sorted(rows, head.cellIndex, way) : rows));
    };
  }
}

function enlargeable(figure) {
  const picture = figure.querySelector("img"), says = figure.querySelector("figcaption")?.textContent || picture.alt;
  const open = () => {
    const large = make("img", { src: picture.src, alt: picture.alt });
    large.style.setProperty("--ratio", picture.naturalWidth / picture.naturalHeight);
    const dialog = make("dialog", { ariaLabel: says, onclick: () => dialog.close(), onclose: () => dialog.remove() },
      make("button", { textContent: "Close" }), large, make("p", { textContent: says }));
    document.body.append(dialog);
    dialog.showModal(); // Esc closes it too
  };
  picture.onclick = open;
  picture.after(make("button", { className: "enlarge", ariaLabel: `Enlarge: ${says}`, onclick: open }));
}

function follow(links) {
  const headings = links.map((link) => document.getElementById(decodeURIComponent(link.hash.slice(1))));
  addEventListener("scroll", () => {
    const passed = headings.filter((heading) => heading.getBoundingClientRect().top < innerHeight / 3).length;
    links.forEach((link, place) => { link.ariaCurrent = place === passed - 1 ? "true" : null; });
  }, { passive: true });
}

addEventListener("DOMContentLoaded", () => {
  schemes();
  document.querySelectorAll("main table").forEach(sortable);
  document.querySelectorAll("figure:has(img)").forEach(enlargeable);
  follow([...document.querySelectorAll(".contents a")]);
});
