// The parts of the reports that show figures: tables, tiles, and words for numbers. They keep nothing.

import { h, unseen } from "./dom.js";
import { format, locale, number, texts } from "./language.js";
import { bars } from "./report-charts.js";
import { span } from "./time.js";

const ENDERS = {
  end_user: texts.reports.by_end_user,
  agent: texts.reports.by_agent,
  system: texts.reports.by_system,
  ada: texts.reports.by_ada,
};

export const longDate = (day) =>
  new Date(`${day}T00:00:00Z`).toLocaleDateString(locale, { dateStyle: "full", timeZone: "UTC" });
export const time = (seconds) => (seconds === null ? "–" : span(0, seconds * 1000));
export const teamName = ({ team }) => team ?? texts.reports.no_team;
export const average = ({ average: mean }) => (mean === null ? "–" : number(mean));
/** An average, with of how many ratings it is. */
export const rating = (feedback) =>
  feedback.average === null
    ? "–"
    : format(texts.reports.rating, { average: average(feedback), number: feedback.numbers });
export const rated = ({ count, numbers }) =>
  count === 0 ? texts.reports.unrated : format(texts.reports.rated, { numbers, words: count - numbers });
export const share = (some, all) =>
  all > 0 && format(texts.common.percent, { number: Math.round((some / all) * 100) });
export const people = (names) =>
  names.length ? [number(names.length), " ", h("span", { class: "hint", dir: "auto" }, names.join(", "))] : number(0);

/** Numbers with their names. Those that somebody must act on are marked. */
export const tiles = (...all) =>
  h(
    "dl",
    { class: "tiles" },
    all.map(([name, value, about, level]) =>
      h(
        "div",
        { "data-level": level },
        h("dt", {}, name),
        h("dd", {}, typeof value === "number" ? number(value) : value),
        about && h("dd", { class: "hint" }, about),
      ),
    ),
  );

/** A table. The first cell of each row is its name. */
export function table(caption, columns, rows) {
  const cell = (value, index) =>
    h(
      index ? "td" : "th",
      { scope: index ? null : "row", dir: index ? null : "auto" },
      ...[value].flat().map((one) => (typeof one === "number" ? number(one) : one)),
    );
  return h(
    "table",
    {},
    h("caption", {}, caption),
    h(
      "thead",
      {},
      h(
        "tr",
        {},
        columns.map((name) => h("th", { scope: "col" }, name)),
      ),
    ),
    h(
      "tbody",
      {},
      rows.map((row) => h("tr", {}, row.map(cell))),
    ),
  );
}

export const hourTable = (hours) =>
  table(
    texts.reports.by_hour,
    [texts.reports.from, texts.reports.began, texts.reports.accepted, texts.reports.missed],
    hours.map((hour) => [hour.clock, hour.begun, hour.accepted, hour.missed]),
  );

/** How conversations ended, and what came of them: as small bars. */
export function ends({ ended, ended_by: by, outcomes }) {
  const list = (title, all) => {
    const most = Math.max(1, ...all.map(([, some]) => some));
    const line = ([name, some]) =>
      h(
        "li",
        {},
        h("span", { dir: "auto" }, name),
        bars(some, 0, most),
        h("span", { class: "number" }, unseen(": "), number(some)),
      );
    return all.length > 0 && h("div", { class: "ends" }, h("h4", {}, title), h("ul", {}, all.map(line)));
  };
  const enders = Object.entries(ENDERS)
    .map(([key, name]) => [name, by[key]])
    .filter(([, some]) => some > 0);
  const reached = outcomes
    .map(({ outcome, count }) => [capital(outcome), count])
    .toSorted((one, two) => two[1] - one[1]);
  const title = format(texts.reports.ended_by, { number: ended });
  return [list(title, enders), list(texts.reports.outcomes, reached)].filter(Boolean);
}

const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);
