// The link to the reports, for those who see all conversations. Their page is loaded when it is first opened.

import * as api from "./api.js";
import { at, mark, toast } from "./dom.js";
import { texts } from "./language.js";
import { now } from "./store.js";

const ADDRESS = "#/reports";
const SOURCE = { now: api.reportOfNow, day: api.reportOfDay, csv: api.reportUrl };
let page = null;

/** Shows the link, or hides it. */
export function offer(isOffered) {
  at("reports-link").hidden = !isOffered;
}

/** Whether the address names the reports, and the agent may see them. */
export const isAsked = () => location.hash === ADDRESS && !at("reports-link").hidden;

/** Shows the reports in place of everything else. */
export async function show() {
  try {
    page ??= await import("/console/reports.js");
    await page.load();
  } catch {
    toast(texts.reports.failed, "bad");
    if (isAsked()) location.hash = "";
    return;
  }
  if (!now.me || !isAsked()) return;
  mark(at("desk"), "data-view", "reports");
  page.show(SOURCE);
}

/** Removes them. */
export function hide() {
  if (page?.hide()) at("reports-link").focus();
}
