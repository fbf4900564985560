// Where agents choose the language of the interface: in the settings, and where they sign in. The relay chooses the page's
// texts, so a new language takes a new page.

import { h } from "./dom.js";
import { tag, texts } from "./language.js";

/** The cookie that tells the relay; see `languages.rs`. It is no secret, and stays when the agent signs out. */
const COOKIE = "handoff-relay-language";
const YEAR_S = 31_536_000;

let mayLeave = async () => true;

/** Sets what is asked before the page is left: `given()` resolves to whether it may be. */
export function setUp(given) {
  mayLeave = given;
}

/** The languages that there are. */
const all = () => document.documentElement.dataset.languages.split(" ");

/** A language's name in itself. */
function ownName(tag) {
  const name = new Intl.DisplayNames([tag], { type: "language" }).of(tag);
  return name.charAt(0).toLocaleUpperCase(tag) + name.slice(1);
}

/** The choice of a language; `place` makes its id different from that of the same choice elsewhere. */
export function choice(place) {
  const id = `${place}-language`;
  const options = all().map((one) => h("option", { value: one, lang: one, selected: one === tag }, ownName(one)));
  const select = h("select", { id, onchange: () => choose(select) }, options);
  return h("p", { class: "language" }, h("label", { for: id }, texts.settings.language), select);
}

async function choose(select) {
  if (!(await mayLeave())) {
    select.value = tag;
    return;
  }
  document.cookie = `${COOKIE}=${select.value}; path=/; max-age=${YEAR_S}; samesite=lax`;
  location.reload();
}
