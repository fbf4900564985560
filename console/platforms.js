// Says so when agents of another system may not see conversations: their platform takes no events.

import * as api from "./api.js";
import { at } from "./dom.js";
import { format, texts } from "./language.js";
import { now, on } from "./store.js";
import { span } from "./time.js";

const LOOK_EVERY_MS = 60_000;

let timer = null;

export function setUp() {
  on("me", begin);
  document.addEventListener("visibilitychange", begin);
}

/** Looks now, and then from time to time while somebody sees the page. */
function begin() {
  clearTimeout(timer);
  if (!now.me) show([]);
  else if (!document.hidden) look();
}

async function look() {
  timer = setTimeout(look, LOOK_EVERY_MS);
  try {
    const { data } = await api.platforms();
    if (now.me) show(data.filter((platform) => platform.state !== "up"));
  } catch {
    // The connection has a banner of its own.
  }
}

function show(down) {
  at("platforms").hidden = down.length === 0;
  at("platforms-text").textContent = down.map(sentence).join(" ");
}

function sentence({ id, state, since, last_error: error }) {
  if (state === "deaf") return format(texts.page.platform_deaf, { platform: id, error });
  const text = state === "disabled" ? texts.page.platform_disabled : texts.page.platform_silent;
  return format(text, { platform: id, time: span(since) });
}
