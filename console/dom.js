// Making elements. Text always enters as text: nothing here or elsewhere parses HTML.

const SVG = "http://www.w3.org/2000/svg";

/**
 * Makes an element. `on…` props are listeners, null and false ones are left out, true ones stand without a
 * value. Children are nodes or text; null and false ones are left out.
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

/** A picture from the page's sprite. It says nothing: words stand beside it or in its button's label. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#icon-${name}`);
  svg.append(use);
  return svg;
}

/** Words for screen readers alone. */
export const unseen = (text) => h("span", { class: "unseen" }, text);

/** The element with this id. */
export const at = (id) => document.getElementById(id);

/** Sets an attribute, or removes it for null and false. Touches nothing if it is so already. */
export function mark(element, name, value) {
  if (value === null || value === undefined || value === false) element.removeAttribute(name);
  else if (element.getAttribute(name) !== String(value)) element.setAttribute(name, value === true ? "" : value);
}

/** A circle with someone's initials, in a colour that is always theirs. */
export function avatar(name, kind = "person") {
  if (kind === "ai_agent")
    return h("span", { class: "avatar", "data-hue": "ai", "aria-hidden": "true" }, icon("spark"));
  const words = name.match(/[\p{L}\p{N}]+/gu) ?? ["?"];
  const letters = [words[0], words.length > 1 ? words.at(-1) : ""].map((word) => [...word][0] ?? "");
  const hue = [...name].reduce((sum, letter) => (sum * 31 + letter.codePointAt(0)) % 8, 0);
  return h("span", { class: "avatar", "data-hue": hue, "aria-hidden": "true" }, letters.join("").toUpperCase());
}

/** Runs a view's update at most once a frame, and also where frames don't come: in a hidden tab. */
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

/** Says something to screen readers. */
export function announce(text) {
  const line = h("p", {}, text);
  at("announcer").append(line);
  setTimeout(() => line.remove(), 5000);
}

const TOAST_MS = 6000;

/** Shows a sentence for a moment. `tone` is `plain` or `bad`. */
export function toast(text, tone = "plain") {
  const close = () => line.remove();
  const line = h(
    "div",
    { class: "toast", "data-tone": tone },
    h("p", {}, text),
    h("button", { type: "button", class: "quiet small", "aria-label": "Dismiss", onclick: close }, icon("close")),
  );
  at("toasts").append(line);
  setTimeout(close, tone === "bad" ? TOAST_MS * 2 : TOAST_MS);
}
