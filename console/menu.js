// The account menu.

import { at } from "./dom.js";

/** Sets the menu up. `acts` has the action of each item, by name. */
export function setUp(acts) {
  const [button, menu] = [at("account"), at("account-menu")];
  const items = [...menu.querySelectorAll("[role^=menuitem]")];
  const toggle = (open) => {
    menu.hidden = !open;
    button.setAttribute("aria-expanded", String(open));
    if (open) items[0].focus();
  };
  button.addEventListener("click", () => toggle(menu.hidden));
  for (const item of items) {
    item.addEventListener("click", () => {
      button.focus();
      toggle(false);
      acts[item.dataset.action]();
    });
  }
  menu.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) items[(items.indexOf(document.activeElement) + step + items.length) % items.length].focus();
    else if (event.key === "Escape") {
      toggle(false);
      button.focus();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  });
  document.addEventListener("focusin", ({ target }) => !target.closest("#account-menu, #account") && toggle(false));
  document.addEventListener("pointerdown", ({ target }) => !target.closest("#account-menu, #account") && toggle(false));
}

/** The same for the palette: `{label, keys, act}` each. */
export const commands = (acts) =>
  [...at("account-menu").querySelectorAll("[data-action]")]
    .filter(({ dataset }) => acts[dataset.action])
    .map((item) => ({ label: item.textContent.trim(), keys: [], act: acts[item.dataset.action] }));
