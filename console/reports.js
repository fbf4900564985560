// The reports: how it stands now, and how a day went. This page is no part of the first view, and shares no state with
// the rest of the console: what it shows comes from the `source` that it is given.

import { announce, at, h, icon, mark } from "./dom.js";
import { bars, dayChart } from "./report-charts.js";
import {
  conversations,
  ends,
  hourTable,
  longDate,
  people,
  rated,
  share,
  table,
  teamName,
  tiles,
  time,
} from "./report-parts.js";

const NOW_MS = 5_000;
/** Of a day that is not over yet. */
const DAY_MS = 60_000;
const DUTIES = { on: "On duty", away: "Away", gone: "Not here" };

let source = null;
let view = null;
let timer = null;
let zone = new Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
/** The day that is shown, and when it was loaded. */
let date = null;
let dayAt = 0;
let shownNow = "";
let styled = null;

/** Loads the style of the page. */
export function load() {
  styled ??= new Promise((loaded, failed) => {
    const sheet = h("link", { rel: "stylesheet", href: "/console/reports.css", onload: loaded, onerror: failed });
    document.head.append(sheet);
  }).catch((error) => {
    styled = null;
    throw error;
  });
  return styled;
}

/** Shows the page. `from` has the calls `now()` and `day(date, zone)`, and the address `csv(date, zone)`. */
export function show(from) {
  if (view) return;
  source = from;
  view = frame();
  at("desk").querySelector("main").append(view);
  view.focus();
  [date, shownNow] = [null, ""];
  loadNow();
  loadDay(today());
  timer = setInterval(refresh, NOW_MS);
  document.addEventListener("visibilitychange", refresh);
  document.addEventListener("keydown", leave, true);
}

/** Removes the page. Says whether it was there. */
export function hide() {
  if (!view) return false;
  clearInterval(timer);
  document.removeEventListener("visibilitychange", refresh);
  document.removeEventListener("keydown", leave, true);
  view.remove();
  view = null;
  return true;
}

function refresh() {
  if (document.hidden) return;
  loadNow();
  if ((date ?? today()) === today() && Date.now() - dayAt >= DAY_MS) loadDay(today());
}

const part = (name) => view.querySelector(`[data-part="${name}"]`);
const place = (name, kind = "div") => h(kind, { "data-part": name });
const scroller = (name, label) =>
  h("div", { class: "scroller", tabindex: 0, role: "region", "aria-label": label, "data-part": name });

function frame() {
  const back = h("a", { id: "reports-back", href: "#", "aria-label": "Back to the conversations" }, icon("back"));
  const step = (name, label, sign, by) =>
    h(
      "button",
      {
        type: "button",
        class: "quiet square",
        "data-action": name,
        "aria-label": label,
        onclick: () => date && loadDay(shifted(date, by)),
      },
      icon(sign),
    );
  const chosen = h("input", {
    id: "reports-date",
    type: "date",
    "aria-label": "Day",
    required: true,
    onchange: choose,
  });
  return h(
    "section",
    { id: "reports", tabindex: -1, "aria-labelledby": "reports-title" },
    h("header", {}, back, h("h2", { id: "reports-title" }, "Reports")),
    h(
      "div",
      { class: "reports-body" },
      h(
        "section",
        { "aria-labelledby": "reports-now" },
        h("header", {}, h("h3", { id: "reports-now" }, "Now"), h("p", { class: "hint", "data-part": "now-at" })),
        place("now-tiles"),
        scroller("now-teams", "Teams now"),
        scroller("now-agents", "Agents now"),
      ),
      h(
        "section",
        { "aria-labelledby": "reports-day" },
        h(
          "header",
          {},
          h("h3", { id: "reports-day" }, "Day"),
          h(
            "div",
            { class: "reports-steps" },
            step("day-before", "Previous day", "back", -1),
            chosen,
            step("day-after", "Next day", "forth", 1),
          ),
          h("a", { id: "reports-csv", download: true }, icon("download"), "CSV"),
        ),
        h("p", { class: "hint", "data-part": "day-about" }),
        place("day-tiles"),
        place("day-chart"),
        place("day-more"),
        scroller("day-teams", "Teams on this day"),
        scroller("day-agents", "Agents on this day"),
      ),
    ),
  );
}

/** Escape goes back. Other keys of the list mean nothing here. */
function leave(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  event.stopPropagation();
  if (event.key === "Escape") location.hash = "";
}

/** The date by the clocks of the time zone; this language writes it as the API does. */
const today = () => new Date().toLocaleDateString("sv-SE", { timeZone: zone });
const shifted = (day, by) => new Date(Date.parse(day) + by * 86_400_000).toISOString().slice(0, 10);

function choose({ target }) {
  if (target.value && target.value !== date) loadDay(target.value);
}

/** Loads something, unless the page is gone by then, or shows why it can't. */
async function ask(call, failed) {
  const asked = view;
  try {
    const answer = await call();
    return view === asked ? answer : null;
  } catch (error) {
    if (view === asked && view) failed(error);
    return null;
  }
}

async function loadNow() {
  const report = await ask(source.now, (error) => part("now-at").replaceChildren(problem(error)));
  if (!report) return;
  const { at: time, ...rest } = report;
  part("now-at").textContent = `As of ${new Date(time).toLocaleTimeString()}`;
  // What has not changed stays, and with it what somebody has selected.
  const text = JSON.stringify(rest);
  if (text === shownNow) return;
  shownNow = text;
  renderNow(rest);
}

let asked = 0;

async function loadDay(wanted) {
  const number = (asked += 1);
  dayAt = Date.now();
  const report = await ask(
    () => source.day(wanted, zone),
    (error) => {
      if (number !== asked) return;
      // The relay may know fewer time zones than the browser.
      if (error.status === 400 && zone !== "UTC") {
        zone = "UTC";
        loadDay(today());
      } else part("day-about").replaceChildren(problem(error));
    },
  );
  if (!report || number !== asked) return;
  if (date && wanted !== date) announce(`${longDate(report.date)}: ${conversations(report.total.begun)}`);
  date = report.date;
  renderDay(report);
}

const problem = (error) => h("span", { class: "problem" }, error.message);

/** Fills a part with a table, or hides it if there are no rows. */
function fill(name, caption, columns, rows) {
  part(name).hidden = rows.length === 0;
  part(name).replaceChildren(table(caption, columns, rows));
}

function renderNow({ total, teams, agents }) {
  part("now-tiles").replaceChildren(
    tiles(
      [
        "Waiting",
        total.waiting,
        total.waiting > 0 && `longest ${time(total.longest_wait_seconds)}`,
        total.waiting > 0 && "act",
      ],
      ["Active", total.active, null],
      ["Without an answer", total.unanswered, "of the active ones", total.unanswered > 0 && "act"],
      ["On duty", total.on_duty.length, `${total.away.length} away, ${total.gone.length} not here`],
    ),
  );
  const isTeam = teams.some(({ team }) => team !== null);
  const columns = ["Team", "Waiting", "Longest wait", "Active", "Without an answer", "On duty", "Away", "Not here"];
  const row = (team) => [
    teamName(team),
    team.waiting,
    time(team.longest_wait_seconds),
    team.active,
    team.unanswered,
    people(team.on_duty),
    people(team.away),
    people(team.gone),
  ];
  fill("now-teams", "Teams", columns, isTeam ? teams.map(row) : []);
  const most = Math.max(1, ...agents.map(({ active }) => active));
  fill(
    "now-agents",
    "Agents",
    ["Agent", "State", "Active", "Without an answer"],
    agents.map(({ agent, duty, active, unanswered }) => [
      agent,
      h(
        "span",
        { class: "state", "data-duty": duty },
        h("span", { class: "duty-dot", "aria-hidden": "true" }),
        DUTIES[duty] ?? "Elsewhere",
      ),
      [bars(active, unanswered, most), String(active)],
      unanswered,
    ]),
  );
}

function renderDay(report) {
  const { total, teams, agents, hours } = report;
  const chosen = at("reports-date");
  chosen.value = date;
  chosen.max = today();
  const after = view.querySelector("[data-action=day-after]");
  // A button that is disabled loses the focus.
  if (document.activeElement === after && date >= today()) chosen.focus();
  after.disabled = date >= today();
  mark(at("reports-csv"), "href", source.csv(date, zone));
  part("day-about").replaceChildren(
    h("strong", {}, longDate(date)),
    `, by the clocks of ${report.time_zone}. The figures are of the conversations that began on this day, `,
    "and say what has become of them until now.",
  );
  const { wait, first_answer: answer, first_answer_unrecorded: unrecorded, feedback } = total;
  const left = unrecorded > 0 && `${conversations(unrecorded)} left out, from before it was recorded`;
  const within = answer.count > 0 && `median; 9 of 10 within ${time(answer.p90_seconds)}`;
  part("day-tiles").replaceChildren(
    tiles(
      ["Began", total.begun, `${total.open} still open`],
      ["Accepted", total.accepted, share(total.accepted, total.begun)],
      ["Missed", total.missed, share(total.missed, total.begun), total.missed > 0 && "act"],
      [
        "Wait for an agent",
        time(wait.median_seconds),
        wait.count > 0 && `median; 9 of 10 within ${time(wait.p90_seconds)}`,
      ],
      ["First answer", time(answer.median_seconds), [within, left].filter(Boolean).join(". ")],
      ["Feedback", feedback.average ?? "–", rated(feedback)],
    ),
  );
  part("day-chart").replaceChildren(
    dayChart(hours),
    h("details", {}, h("summary", {}, "The hours as a table"), hourTable(hours)),
  );
  part("day-more").replaceChildren(...ends(total));
  const columns = [
    "Began",
    "Accepted",
    "Missed",
    "Open",
    "Wait (median)",
    "Wait (9 of 10)",
    "First answer (median)",
    "First answer (9 of 10)",
    "Feedback",
  ];
  const row = (name, of) => [
    name,
    of.begun,
    of.accepted,
    of.missed,
    of.open,
    time(of.wait.median_seconds),
    time(of.wait.p90_seconds),
    time(of.first_answer.median_seconds),
    time(of.first_answer.p90_seconds),
    of.feedback.average === null ? "–" : `${of.feedback.average} (${of.feedback.numbers})`,
  ];
  const hasTeams = teams.some(({ team }) => team !== null);
  fill("day-teams", "Teams", ["Team", ...columns], hasTeams ? teams.map((team) => row(teamName(team), team)) : []);
  fill(
    "day-agents",
    "Agents",
    ["Agent", ...columns],
    agents.map((agent) => row(agent.agent, agent)),
  );
}
