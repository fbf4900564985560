// Creates elements. Text is always inserted as text: nothing here or elsewhere parses HTML.

import { texts } from "./language.js";

const SVG = "http://www.w3.org/2000/svg";

/**
 * Makes an element. `on…` props are listeners. Props that are null or false are left out, props that are true have no
 * value. Children are nodes or text; those that are null or false are left out.
 */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) {
      element.setAttribute(name, value === true ? "" : value);
    }
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** An icon from the page's sprite, hidden from screen readers: text beside it or its button's label says the same. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#icon-${name}`);
  svg.append(use);
  return svg;
}

/** Text for screen readers only. */
export const unseen = (text) => h("span", { class: "unseen" }, text);

/** The element with this id. */
export const at = (id) => document.getElementById(id);

/** The text of nodes and strings together. */
export const textOf = (parts) => parts.map((part) => part.textContent ?? part).join("");

/** Sets an attribute, or removes it for null and false. Does nothing if the attribute has that value already. */
export function mark(element, name, value) {
  if (value === null || value === undefined || value === false) element.removeAttribute(name);
  else if (element.getAttribute(name) !== String(value)) element.setAttribute(name, value === true ? "" : value);
}

/** A circle with a person's initials. The same name always has the same colour. */
export function avatar(name, kind = "person") {
  if (kind === "ai_agent")
    return h("span", { class: "avatar", "data-hue": "ai", "aria-hidden": "true" }, icon("spark"));
  const words = name.match(/[\p{L}\p{N}]+/gu) ?? ["?"];
  const letters = [words[0], words.length > 1 ? words.at(-1) : ""].map((word) => [...word][0] ?? "");
  const hue = [...name].reduce((sum, letter) => (sum * 31 + letter.codePointAt(0)) % 8, 0);
  return h("span", { class: "avatar", "data-hue": hue, "aria-hidden": "true" }, letters.join("").toUpperCase());
}

/** Runs a view's update at most once per frame. A hidden tab has no frames: there it uses a timer. */
export function batched(update) {
  let asked = false;
  const run = () => {
    if (!asked) return;
    asked = false;
    update();
  };
  return () => {
    if (asked) return;
    asked = true;
    if (document.hidden) setTimeout(run);
    else requestAnimationFrame(run);
  };
}

/** So long a screen reader has for one announcement before the next one. */
const SPEAKS_MS = 1000;

/** Beyond this, the oldest is left out: nobody wants to hear what was news minutes ago. */
const MOST_UNSAID = 5;

/** What is still to be said. */
const unsaid = [];
let speaks = false;

/** Says something to screen readers, one thing at a time. */
export function announce(text) {
  unsaid.push(text);
  if (unsaid.length > MOST_UNSAID) unsaid.shift();
  if (!speaks) sayNext();
}

function sayNext() {
  const text = unsaid.shift();
  speaks = text !== undefined;
  at("announcer").replaceChildren(...(speaks ? [h("p", {}, text)] : []));
  if (speaks) setTimeout(sayNext, SPEAKS_MS);
}

const TOAST_MS = 6000;

/**
 * Shows a short notice for a few seconds. `tone` is `plain` or `bad`. An action is `{label, name, act}`: a button, for which
 * there is more time.
 */
export function toast(text, tone = "plain", action = null) {
  const close = () => line.remove();
  const act = () => {
    close();
    action.act();
  };
  const line = h(
    "div",
    { class: "toast", "data-tone": tone },
    h("p", {}, text),
    action &&
      h(
        "div",
        { class: "bar" },
        h("button", { type: "button", class: "small", "data-action": action.name, onclick: act }, action.label),
      ),
    h("button", { type: "button", class: "quiet small", "aria-label": texts.common.dismiss, onclick: close }, icon("close")),
  );
  at("toasts").append(line);
  setTimeout(close, action ? TOAST_MS * 3 : tone === "bad" ? TOAST_MS * 2 : TOAST_MS);
}
