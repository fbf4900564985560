// The parts of the reports that show figures: tables, tiles, and words for numbers. They keep nothing.

import { h, unseen } from "./dom.js";
import { bars } from "./report-charts.js";
import { span } from "./time.js";

const ENDERS = { end_user: "customer", agent: "agent", system: "relay", ada: "Ada" };

export const conversations = (number) => `${number} ${number === 1 ? "conversation" : "conversations"}`;
export const longDate = (day) =>
  new Date(`${day}T00:00:00Z`).toLocaleDateString("en-GB", { dateStyle: "full", timeZone: "UTC" });
export const time = (seconds) => (seconds === null ? "–" : span(0, seconds * 1000));
export const teamName = ({ team }) => team ?? "No team";
export const rated = ({ count, numbers }) =>
  count === 0 ? "nobody has rated" : `average of ${numbers}; ${count - numbers} in words`;
export const share = (number, all) => all > 0 && `${Math.round((number / all) * 100)} %`;
export const people = (names) =>
  names.length ? [`${names.length}`, h("span", { class: "hint", dir: "auto" }, ` ${names.join(", ")}`)] : "0";

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
        h("dd", {}, String(value)),
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
      ...[value].flat().map((one) => (typeof one === "number" ? String(one) : one)),
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
    "Conversations by the hour in which they began",
    ["From", "Began", "Accepted", "Missed"],
    hours.map((hour) => [hour.clock, hour.begun, hour.accepted, hour.missed]),
  );

/** How conversations ended, and what came of them: as small bars. */
export function ends({ ended, ended_by: by, outcomes }) {
  const list = (title, all) => {
    const most = Math.max(1, ...all.map(([, number]) => number));
    const line = ([name, number]) =>
      h(
        "li",
        {},
        h("span", { dir: "auto" }, name),
        bars(number, 0, most),
        h("span", { class: "number" }, unseen(": "), String(number)),
      );
    return all.length > 0 && h("div", { class: "ends" }, h("h4", {}, title), h("ul", {}, all.map(line)));
  };
  const enders = Object.entries(ENDERS)
    .map(([key, name]) => [capital(name), by[key]])
    .filter(([, number]) => number > 0);
  const reached = outcomes
    .map(({ outcome, count }) => [capital(outcome), count])
    .toSorted((one, two) => two[1] - one[1]);
  return [list(`Ended: ${ended}, by`, enders), list("Outcomes", reached)].filter(Boolean);
}

const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);
