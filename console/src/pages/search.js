// Completes a search from the keys and values that are stored. The field works without this script, too.
"use strict";

const MAX_COMPLETIONS = 12;

for (const field of document.querySelectorAll("input[data-complete]")) completeSearch(field);

function completeSearch(field) {
  const list = document.createElement("div");
  list.id = "completions";
  list.className = "completions";
  list.setAttribute("role", "listbox");
  list.hidden = true;
  field.closest(".wide").append(list);
  field.autocomplete = "off";
  field.spellcheck = false;
  field.setAttribute("role", "combobox");
  field.setAttribute("aria-autocomplete", "list");
  field.setAttribute("aria-controls", list.id);
  field.setAttribute("aria-expanded", "false");
  let keys = [];
  let shown = [];
  let chosen = -1;

  // The beginning of a term that ends at the cursor, without its minus.
  function typedTerm() {
    const before = field.value.slice(0, field.selectionStart);
    let start = 0;
    let isQuoted = false;
    for (let at = 0; at < before.length; at += 1) {
      if (isQuoted && before[at] === "\\") at += 1;
      else if (before[at] === '"') isQuoted = !isQuoted;
      else if (!isQuoted && /[\s()]/.test(before[at])) start = at + 1;
    }
    if (before[start] === "-") start += 1;
    return { start, text: before.slice(start) };
  }

  function quoted(value) {
    return /[\s()"]/.test(value) ? `"${value.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"` : value;
  }

  // What can stand in the place of the term, those that begin with it first.
  function completions() {
    const { text } = typedTerm();
    const [, key, operator, value] = /^([^=!<>~"]+)(!=|>=|<=|=|>|<|~)(.*)$/s.exec(text) ?? [];
    const wanted = (key ? value.replace(/^"/, "") : text).toLowerCase();
    const all = key
      ? (keys.find((known) => known.key === key)?.values ?? [])
        .map((known) => ({ name: known, text: `${key}${operator}${quoted(known)} ` }))
      : keys.map((known) => ({ name: known.key, text: known.key + known.operator }));
    const place = (completion) => completion.name.toLowerCase().indexOf(wanted);
    return all.filter((completion) => place(completion) >= 0 && completion.text.trim() !== text)
      .sort((one, other) => (place(one) > 0) - (place(other) > 0)).slice(0, MAX_COMPLETIONS);
  }

  function show() {
    shown = document.activeElement === field ? completions() : [];
    list.replaceChildren(...shown.map((completion, at) => {
      const option = document.createElement("div");
      option.id = `completion-${at}`;
      option.setAttribute("role", "option");
      option.textContent = completion.name;
      // The field keeps the focus.
      option.addEventListener("mousedown", (event) => { event.preventDefault(); accept(at); });
      return option;
    }));
    list.hidden = shown.length === 0;
    field.setAttribute("aria-expanded", String(!list.hidden));
    select(-1);
  }

  function hide() {
    list.hidden = true;
    field.setAttribute("aria-expanded", "false");
    select(-1);
  }

  function select(at) {
    chosen = at;
    [...list.children].forEach((option, place) => option.setAttribute("aria-selected", String(place === at)));
    if (at < 0) { field.removeAttribute("aria-activedescendant"); return; }
    field.setAttribute("aria-activedescendant", list.children[at].id);
    list.children[at].scrollIntoView({ block: "nearest" });
  }

  function accept(at) {
    field.setRangeText(shown[at].text, typedTerm().start, field.selectionStart, "end");
    show();
  }

  async function load() {
    try {
      keys = (await (await fetch(`/complete?for=${field.dataset.complete}`)).json()).keys;
      show();
    } catch {
      // The console has ended, which the page reports.
    }
  }

  field.addEventListener("focus", load);
  field.addEventListener("blur", hide);
  field.addEventListener("input", show);
  field.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    const isOpen = !list.hidden;
    if (event.key === "ArrowDown" && !isOpen) show();
    else if (event.key === "ArrowDown") select((chosen + 2) % (shown.length + 1) - 1);
    else if (event.key === "ArrowUp" && isOpen) select((chosen + shown.length + 1) % (shown.length + 1) - 1);
    else if ((event.key === "Enter" || event.key === "Tab") && isOpen && chosen >= 0) accept(chosen);
    else if (event.key === "Escape" && isOpen) { hide(); event.stopPropagation(); }
    else return;
    event.preventDefault();
  });
  if (document.activeElement === field) load();
}
