// The command palette: every action that does something now, and every conversation that is loaded, found by a few letters.

import { at, h, mark } from "./dom.js";
import { show } from "./dialogs.js";
import { texts } from "./language.js";
import { handoffs, now } from "./store.js";
import { customer } from "./words.js";

/** More than anybody reads; further letters narrow them down. */
const SHOWN = 50;
/** In the order in which conversations are listed. */
const STATUS = ["waiting", "active", "ended"];

let commands = () => [];
let found = [];
let active = 0;

/** Sets it up. `given()` gives the actions: `{label, keys, act}` each. */
export function setUp(given) {
  commands = given;
  const [field, list] = [at("palette-text"), at("palette-list")];
  field.addEventListener("input", draw);
  field.addEventListener("keydown", pressed);
  list.addEventListener("click", ({ target }) => {
    const option = target.closest("[role=option]");
    if (option) take([...list.children].indexOf(option));
  });
  at("palette").addEventListener("click", ({ target }) => target === at("palette") && target.close());
}

/** Opens it. */
export function open() {
  at("palette-text").value = "";
  draw();
  show(at("palette"));
  at("palette-text").focus();
}

/** What has all the words, actions first; those whose name begins with them before others. */
function find(text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const fits = ({ label, about = "" }) => words.every((word) => `${label} ${about}`.toLowerCase().includes(word));
  const begins = ({ label }) => label.toLowerCase().startsWith(words[0] ?? "");
  const all = [...commands(), ...conversations()].filter(fits);
  return [...all.filter(begins), ...all.filter((one) => !begins(one))].slice(0, SHOWN);
}

/** The loaded conversations, those that are open first. */
function conversations() {
  const rank = ({ status }) => STATUS.indexOf(status);
  return [...handoffs()]
    .toSorted((one, other) => rank(one) - rank(other))
    .map((one) => ({
      label: customer(one),
      about: [texts.status[one.status], one.agent?.name, one.team].filter(Boolean).join(" · "),
      id: one.id,
      act: () => (location.hash = `#/c/${one.id}`),
    }));
}

function draw() {
  found = now.me ? find(at("palette-text").value) : [];
  at("palette-list").replaceChildren(...found.map(option));
  at("palette-list").hidden = found.length === 0;
  at("palette-none").hidden = found.length > 0;
  activate(0);
}

const option = ({ label, about, keys, id }, index) =>
  h(
    "li",
    { role: "option", id: `palette-${index}`, "data-handoff-id": id },
    h("bdi", {}, label.charAt(0).toUpperCase() + label.slice(1)),
    about && h("span", { class: "hint", dir: "auto" }, about),
    keys?.length > 0 && h("kbd", { class: "combination" }, keys.join(" ")),
  );

function activate(index) {
  active = found.length > 0 ? (index + found.length) % found.length : 0;
  const options = [...at("palette-list").children];
  options.forEach((one, place) => mark(one, "aria-selected", String(place === active)));
  mark(at("palette-text"), "aria-activedescendant", options[active]?.id);
  options[active]?.scrollIntoView({ block: "nearest" });
}

function pressed(event) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step) activate(active + step);
  else if (event.key === "Enter" && !event.isComposing && !event.repeat) take(active);
  else return;
  event.preventDefault();
  event.stopPropagation();
}

/** Closes the palette first: the dialog gives the focus back to where it was, and the action moves it from there. */
function take(index) {
  const chosen = found[index];
  if (!chosen) return;
  at("palette").close();
  chosen.act();
}
