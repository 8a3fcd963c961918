// Form pages: moving between cells, lists that open while typing, today's key, missing reasons,
// what the server says while one types, drafts. Everything here is a help: without it a form can
// still be filled in and saved.
"use strict";

(() => {
  const sheet = document.getElementById("sheet");
  if (!sheet) return;
  const mayEnter = "draft" in sheet.dataset;
  const cells = () => [...sheet.querySelectorAll("input.v")].filter((cell) => cell.offsetParent !== null);

  // ---- cells of a table: arrows move, as in a spreadsheet

  const atStart = (input) => input.selectionStart === 0 && input.selectionEnd === input.selectionStart;
  const atEnd = (input) => input.selectionStart === input.value.length && input.selectionEnd === input.selectionStart;
  const isWhole = (input) => input.selectionStart === 0 && input.selectionEnd === input.value.length;

  function go(input) {
    if (!input) return false;
    input.focus();
    input.select();
    return true;
  }

  function neighbour(input, key) {
    const body = input.closest("tbody");
    if (!body) {
      const all = cells();
      const at = all.indexOf(input);
      if (key === "ArrowDown") return all[at + 1];
      return key === "ArrowUp" ? all[at - 1] : null;
    }
    const name = input.id.split(".").slice(2).join(".");
    if (key === "ArrowDown" || key === "ArrowUp") {
      let other = body;
      do {
        other = key === "ArrowDown" ? other.nextElementSibling : other.previousElementSibling;
        const found = other && document.getElementById(`v.${other.dataset.key}.${name}`);
        if (found && found.offsetParent !== null) return found;
      } while (other);
      return null;
    }
    const row = cells().filter((cell) => cell.closest("tbody") === body);
    const at = row.indexOf(input);
    if (key === "ArrowRight" && (atEnd(input) || isWhole(input))) return row[at + 1];
    if (key === "ArrowLeft" && (atStart(input) || isWhole(input))) return row[at - 1];
    return null;
  }

  // ---- lists: type a code or a few letters, Down and Enter or Tab choose

  const list = document.createElement("ul");
  list.className = "choices";
  list.id = "choices";
  list.hidden = true;
  list.setAttribute("role", "listbox");
  document.body.append(list);
  let owner = null;
  let picked = -1;

  function takeOver(input) {
    if (!input.hasAttribute("list")) return;
    input.dataset.list = input.getAttribute("list");
    input.removeAttribute("list");
    input.setAttribute("role", "combobox");
    input.setAttribute("aria-expanded", "false");
    input.setAttribute("aria-controls", "choices");
    input.setAttribute("aria-autocomplete", "list");
  }

  // An item of several choices holds them one behind the other; what is typed is the last of them.
  const isMultiple = (input) => input.classList.contains("multiple");
  const chosen = (input) => isMultiple(input) ? input.value.split(/[;；]/).slice(0, -1).map((one) => one.trim()).filter(Boolean) : [];
  const lastTyped = (input) => (isMultiple(input) ? input.value.split(/[;；]/).pop() : input.value).trim();

  function matching(input, everything) {
    const taken = chosen(input);
    const options = [...document.getElementById(input.dataset.list).options].filter((o) => !taken.includes(o.value) && !taken.includes(o.dataset.code));
    const typed = lastTyped(input).toLowerCase();
    if (!typed || everything) return options;
    const code = (option) => option.dataset.code.toLowerCase();
    const starts = options.filter((o) => o.value.toLowerCase().startsWith(typed) || code(o).startsWith(typed));
    const holds = options.filter((o) => !starts.includes(o) && o.value.toLowerCase().includes(typed));
    return [...starts, ...holds];
  }

  function open(input, everything) {
    const found = matching(input, everything).slice(0, 80);
    if (!found.length) return close();
    list.replaceChildren(...found.map((option, at) => {
      const line = document.createElement("li");
      line.id = `choice${at}`;
      line.setAttribute("role", "option");
      line.textContent = option.value;
      return line;
    }));
    owner = input;
    list.hidden = false;
    input.setAttribute("aria-expanded", "true");
    const box = input.getBoundingClientRect();
    const below = window.innerHeight - box.bottom;
    list.style.left = `${Math.min(box.left, window.innerWidth - 260)}px`;
    list.style.minWidth = `${box.width}px`;
    list.style.maxHeight = `${Math.max(120, Math.min(300, Math.max(below, box.top) - 12))}px`;
    list.style.top = below > 160 ? `${box.bottom + 2}px` : "auto";
    list.style.bottom = below > 160 ? "auto" : `${window.innerHeight - box.top + 2}px`;
    const now = found.findIndex((option) => option.value === lastTyped(input));
    mark(everything ? now : (lastTyped(input) ? 0 : -1));
  }

  function mark(at) {
    const lines = [...list.children];
    picked = lines.length ? Math.max(-1, Math.min(at, lines.length - 1)) : -1;
    lines.forEach((line, n) => line.setAttribute("aria-selected", n === picked ? "true" : "false"));
    if (picked >= 0) {
      lines[picked].scrollIntoView({ block: "nearest" });
      owner.setAttribute("aria-activedescendant", lines[picked].id);
    } else if (owner) owner.removeAttribute("aria-activedescendant");
  }

  function close() {
    if (owner) {
      owner.setAttribute("aria-expanded", "false");
      owner.removeAttribute("aria-activedescendant");
    }
    list.hidden = true;
    owner = null;
    picked = -1;
  }

  function choose(at) {
    const line = list.children[at];
    if (!line || !owner) return;
    const input = owner;
    input.value = [...chosen(input), line.textContent].join("; ");
    close();
    changed(input);
  }

  list.addEventListener("mousedown", (event) => {
    const line = event.target.closest("li");
    event.preventDefault();
    if (line) choose([...list.children].indexOf(line));
  });
  window.addEventListener("scroll", () => close(), true);

  // ---- keys

  function changed(input) {
    input.dispatchEvent(new Event("input", { bubbles: true }));
  }

  const isDate = (input) => input.classList.contains("date") || input.classList.contains("partial_date") || input.classList.contains("datetime");

  function missing(input) {
    const details = input.closest(".line").querySelector("details.why");
    if (!details) return;
    details.open = true;
    details.querySelector("select").focus();
  }

  function history(input) {
    const link = input.closest(".line").querySelector("a.hist");
    if (link) show(link.getAttribute("href"), input);
  }

  function talk(input) {
    if (!sheet.dataset.talk) return;
    const [, row, ...item] = input.id.split(".");
    show(`${sheet.dataset.talk}?row=${row}&item=${encodeURIComponent(item.join("."))}`, input);
  }

  let cameFrom = null;

  function show(address, from) {
    cameFrom = from;
    htmx.ajax("GET", address, { target: "#aside", swap: "innerHTML" }).then(enterAside);
  }

  function enterAside() {
    const aside = document.getElementById("aside");
    (aside.querySelector("textarea") || aside).focus({ preventScroll: true });
    const hidden = cameFrom && cameFrom.getBoundingClientRect().bottom > aside.getBoundingClientRect().top;
    if (hidden) window.scrollBy(0, cameFrom.getBoundingClientRect().top - 140);
  }

  function closeAside() {
    document.getElementById("aside").replaceChildren();
    if (cameFrom) cameFrom.focus();
    cameFrom = null;
  }

  document.addEventListener("keydown", (event) => {
    const input = event.target;
    if (event.key === "Escape" && document.getElementById("aside").childElementCount) return closeAside();
    if (event.ctrlKey && event.key === "Enter" && mayEnter) {
      event.preventDefault();
      return sheet.requestSubmit(sheet.querySelector("button[name=next]"));
    }
    if (!(input instanceof HTMLInputElement) || !input.classList.contains("v")) return;
    if (event.altKey && event.code === "KeyM") { event.preventDefault(); return missing(input); }
    if (event.altKey && event.code === "KeyQ") { event.preventDefault(); return talk(input); }
    if (event.altKey && event.code === "KeyH") { event.preventDefault(); return history(input); }
    if (input.readOnly && !event.key.startsWith("Arrow")) return;
    if (owner === input) {
      if (event.key === "ArrowDown") { event.preventDefault(); return mark(picked + 1); }
      if (event.key === "ArrowUp") { event.preventDefault(); return mark(picked - 1); }
      if (event.key === "Escape") { event.preventDefault(); return close(); }
      if (event.key === "Enter" && picked >= 0) { event.preventDefault(); return choose(picked); }
      if (event.key === "Tab" && picked >= 0 && lastTyped(input)) choose(picked);
      if (event.key === ";" && isMultiple(input) && picked >= 0 && lastTyped(input)) choose(picked);
    }
    if (input.dataset.list && event.altKey && event.key === "ArrowDown") {
      event.preventDefault();
      return open(input, true);
    }
    if (event.ctrlKey && event.key.toLowerCase() === "d" && input.closest("tbody")) {
      const above = neighbour(input, "ArrowUp");
      event.preventDefault();
      if (!above || !above.value) return;
      input.value = above.value;
      return changed(input);
    }
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    if (isDate(input) && event.key === "t" && (!input.value || isWhole(input))) {
      event.preventDefault();
      input.value = sheet.dataset.today;
      return changed(input);
    }
    if (event.key.startsWith("Arrow") && go(neighbour(input, event.key))) event.preventDefault();
  });

  sheet.addEventListener("focusin", (event) => {
    if (owner && event.target !== owner) close();
  });
  sheet.addEventListener("focusout", (event) => {
    const input = event.target;
    if (input === owner) close();
    if (!input.dataset.list || !input.value) return;
    const typed = lastTyped(input).toLowerCase();
    const options = [...document.getElementById(input.dataset.list).options];
    const meant = options.find((option) => option.dataset.code.toLowerCase() === typed);
    if (meant) input.value = [...chosen(input), meant.value].join("; ");
  });
  document.getElementById("main").addEventListener("click", (event) => {
    const link = event.target.closest("a.talk");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const line = link.closest(".line");
    show(link.getAttribute("href"), line ? line.querySelector("input") : link);
  });
  sheet.addEventListener("click", (event) => {
    const link = event.target.closest("a.hist");
    if (link) {
      event.preventDefault();
      return show(link.getAttribute("href"), link.closest(".line").querySelector("input"));
    }
    const input = event.target.closest("input[data-list]");
    if (input && !input.readOnly) open(input, true);
  });
  document.getElementById("aside").addEventListener("click", (event) => {
    if (event.target.closest("button.close")) closeAside();
  });

  // ---- queries: what was asked or answered beside the page is put at its cell

  function notesOf(box) {
    const { cell, row } = box.dataset;
    if (!cell) {
      const said = row !== "0" && document.getElementById(`r.${row}`);
      return said ? belowRow(said) : document.getElementById("s.form");
    }
    const there = document.getElementById(`s.${cell}`);
    if (there) return there;
    const input = document.getElementById(`v.${cell}`);
    if (!input) return document.getElementById("s.form");
    const made = document.createElement("div");
    made.id = `s.${cell}`;
    input.setAttribute("aria-describedby", made.id);
    const body = input.closest("tbody");
    (body ? belowRow(body) : input.closest(".cell")).append(made);
    return made;
  }

  function belowRow(body) {
    const there = body.querySelector("tr.said td > div");
    if (there) return there;
    const line = document.createElement("tr");
    line.className = "said";
    line.append(document.createElement("th"), document.createElement("td"));
    line.lastChild.colSpan = body.rows[0].cells.length - 1;
    const made = document.createElement("div");
    line.lastChild.append(made);
    body.append(line);
    return made;
  }

  function putNotes(aside) {
    const box = aside.querySelector(".talkbox");
    const found = aside.querySelectorAll("#notes p.note");
    if (!box || !found.length) return;
    for (const note of found) {
      const old = document.querySelector(`main .entry [id="${note.id}"], #s\\.form [id="${note.id}"]`);
      if (note.matches(".closed, .cancelled")) {
        if (old) old.remove();
      } else if (old) {
        old.replaceWith(note);
      } else {
        notesOf(box).append(note);
      }
    }
    aside.querySelector("#notes").remove();
    const input = document.getElementById(`v.${box.dataset.cell}`);
    const holder = input && (input.closest("td") || input.closest(".box"));
    if (!holder) return;
    const isAsked = Boolean(document.getElementById(`s.${box.dataset.cell}`)?.childElementCount);
    holder.classList.toggle("noted", isAsked);
    if (isAsked) input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
  }

  document.addEventListener("htmx:afterSettle", (event) => {
    if (event.target.id !== "aside") return;
    putNotes(event.target);
    if (event.target.querySelector(".talkbox .notice.success") && cameFrom) cameFrom.focus();
  });

  // ---- changes: the reason is asked when saved data change, a last row makes room for another

  function asksReason() {
    const reason = document.getElementById("reason");
    if (!reason || !("waits" in reason.dataset)) return;
    const out = [...sheet.querySelectorAll("select[name^='d.'], input[name^='u.']:checked")].some((one) => one.value);
    const touched = [...sheet.querySelectorAll("input.v")].some((input) => {
      const was = input.dataset.was;
      if (!was || input.readOnly) return false;
      const why = input.closest(".line").querySelector("details.why select");
      return input.value.trim() ? input.value.trim() !== was : !(why && why.value === was);
    });
    reason.classList.toggle("wanted", touched || out);
  }

  function renamed(element, from, to) {
    for (const name of ["id", "name", "for"]) {
      const value = element.getAttribute(name);
      if (value) element.setAttribute(name, value.replace(`.${from}.`, `.${to}.`));
    }
  }

  function makeRoom(input) {
    const body = input.closest("tbody");
    if (!body || body.nextElementSibling || !body.classList.contains("new") || !input.value) return;
    const from = body.dataset.key;
    const to = String(Number(from) + 1);
    const copy = body.cloneNode(true);
    copy.id = `r.${to}`;
    copy.dataset.key = to;
    copy.querySelector("th span").textContent = to;
    copy.querySelectorAll("tr.said").forEach((line) => line.remove());
    copy.querySelectorAll("*").forEach((element) => renamed(element, from, to));
    copy.querySelectorAll("input, select").forEach((field) => { field.value = ""; });
    copy.querySelectorAll("details").forEach((details) => { details.open = false; });
    copy.querySelectorAll(".near > span").forEach((near) => (near.matches(".range, .si") ? near.replaceChildren() : near.remove()));
    copy.querySelectorAll(".flag, .grade").forEach((mark) => { mark.textContent = ""; mark.classList.remove("serious"); });
    body.after(copy);
  }

  sheet.addEventListener("input", (event) => {
    const input = event.target;
    if (input.classList.contains("v")) {
      if (input.dataset.list && event.isTrusted) open(input, false);
      const why = input.closest(".line").querySelector("details.why select");
      if (why && why.value && input.value) why.value = "";
      makeRoom(input);
    }
    const gone = event.target.closest("details.out");
    if (gone) gone.closest("tbody").classList.toggle("out", Boolean(event.target.value));
    asksReason();
    later();
  });

  // ---- what the server says while one types

  function apply() {
    for (const now of document.querySelectorAll("#now li")) {
      const cell = document.getElementById(`c.${now.dataset.name}`);
      const input = document.getElementById(`v.${now.dataset.name}`);
      if (!cell || !input) continue;
      if ("asked" in now.dataset) {
        cell.hidden = now.dataset.asked === "0";
        const holder = cell.closest("td") || cell;
        holder.classList.toggle("clearing", now.dataset.clearing === "1");
      }
      if ("text" in now.dataset) input.value = now.dataset.text;
      if ("flag" in now.dataset) judge(cell, now.dataset);
    }
  }

  // Of a laboratory result: outside its range, the range, the value in SI units, the grade.
  function judge(cell, now) {
    const flag = cell.querySelector(".flag");
    const grade = cell.querySelector(".grade");
    if (!flag || !grade) return;
    flag.textContent = now.flag;
    flag.className = `flag ${now.flag}`;
    grade.textContent = now.grade || "";
    grade.className = "serious" in now ? "grade serious" : "grade";
    for (const [name, value] of [["title", now.limit], ["aria-label", now.limit], ["role", now.limit && "note"]]) {
      if (value) grade.setAttribute(name, value);
      else grade.removeAttribute(name);
    }
    for (const part of ["range", "si"]) {
      const near = cell.querySelector(`.near .${part}`);
      if (near) near.textContent = now[part];
    }
    const stale = cell.querySelector(".near .stale");
    if (stale) stale.hidden = !("stale" in now);
  }
  document.addEventListener("htmx:afterSettle", (event) => {
    if (event.target.id === "live") apply();
  });

  // ---- drafts: what is typed is kept on the server until it is saved

  const kept = document.getElementById("kept");
  let timer = 0;
  let isSaving = false;

  async function keepDraft() {
    if (isSaving) return;
    try {
      const answer = await fetch(sheet.dataset.draft, { method: "POST", body: new FormData(sheet), redirect: "manual" });
      kept.textContent = answer.status === 204 ? sheet.dataset.kept : sheet.dataset.lost;
      kept.classList.toggle("lost", answer.status !== 204);
    } catch {
      kept.textContent = sheet.dataset.lost;
      kept.classList.add("lost");
    }
  }

  function later() {
    if (!mayEnter || !kept) return;
    clearTimeout(timer);
    timer = setTimeout(keepDraft, 1500);
  }

  sheet.addEventListener("submit", () => {
    isSaving = true;
    clearTimeout(timer);
  });

  sheet.querySelectorAll("input[list]").forEach(takeOver);
  asksReason();
  // Where the next deed is: after a refusal what it asks for, else the first field to fill in.
  const isRefused = Boolean(document.querySelector("#main > [role=alert]"));
  const why = isRefused && sheet.querySelector("#reason.wanted select");
  const first = sheet.querySelector("input.v.refused")
    || sheet.querySelector(".compared input[type=radio]")
    || (why && !why.value && why)
    || sheet.querySelector("button[name=clear]")
    || sheet.querySelector("input.v[aria-invalid]")
    || cells().find((cell) => "must" in cell.dataset && !cell.value && !cell.closest("tbody.new"))
    || cells().find((cell) => !cell.readOnly);
  if (mayEnter && first && !location.hash) {
    first.focus({ preventScroll: true });
    if (isRefused) first.scrollIntoView({ block: "center" });
  }
})();
