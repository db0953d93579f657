"use strict";
// Tables are sorted by their heads, and rows are found by a word or by what is to be done. Without this the page is the same, standing still.
(() => {
  const tables = [...document.querySelectorAll("table.people")];
  const language = document.documentElement.lang;
  const order = new Intl.Collator(language, { numeric: true, sensitivity: "base" });

  function keyOf(row, column) {
    const cell = row.cells[column];
    return cell.dataset.key ?? cell.textContent.trim();
  }

  function sort(table, column, descending) {
    const body = table.tBodies[0];
    const rows = [...body.rows];
    rows.sort((one, other) => {
      const found = order.compare(keyOf(one, column), keyOf(other, column));
      return descending ? -found : found;
    });
    body.append(...rows);
    for (const [index, head] of [...table.tHead.rows[0].cells].entries()) {
      head.setAttribute("aria-sort", index === column ? (descending ? "descending" : "ascending") : "none");
    }
  }

  for (const table of tables) {
    for (const [column, head] of [...table.tHead.rows[0].cells].entries()) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = head.textContent.trim();
      button.addEventListener("click", () => sort(table, column, head.getAttribute("aria-sort") === "ascending"));
      head.replaceChildren(button);
    }
  }

  const form = document.getElementById("filter");
  if (!form) return;
  const word = document.getElementById("word");
  const deed = document.getElementById("deed");
  const shown = document.getElementById("shown");
  const texts = new Map();
  for (const table of tables) {
    const unit = table.dataset.unit.toLocaleLowerCase(language);
    for (const row of table.tBodies[0].rows) {
      texts.set(row, `${unit} ${row.textContent.toLocaleLowerCase(language)}`);
    }
  }

  function filter() {
    const words = word.value.toLocaleLowerCase(language).split(/\s+/).filter(Boolean);
    let count = 0;
    for (const table of tables) {
      let any = false;
      for (const row of table.tBodies[0].rows) {
        const fits = words.every((one) => texts.get(row).includes(one)) && (!deed.value || row.dataset.deed === deed.value);
        row.hidden = !fits;
        any ||= fits;
        count += fits;
      }
      table.closest(".unit").hidden = !any;
    }
    shown.textContent = shown.dataset.text.replace("#", count);
  }

  form.hidden = false;
  form.addEventListener("submit", (event) => event.preventDefault());
  word.addEventListener("input", filter);
  deed.addEventListener("change", filter);
  filter();
})();
