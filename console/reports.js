// The reports: how it stands now, and how a day went. This page is no part of the first view, and shares no state with
// the rest of the console: what it shows comes from the `source` that it is given.

import { announce, at, h, icon, mark } from "./dom.js";
import { format, formatParts, texts } from "./language.js";
import { bars, dayChart } from "./report-charts.js";
import {
  average,
  ends,
  hourTable,
  longDate,
  people,
  rated,
  rating,
  share,
  table,
  teamName,
  tiles,
  time,
} from "./report-parts.js";
import { toTheSecond } from "./time.js";

const NOW_MS = 5_000;
/** Of a day that is not over yet. */
const DAY_MS = 60_000;

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
  const back = h("a", { id: "reports-back", href: "#", "aria-label": texts.reports.back }, icon("back"));
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
    "aria-label": texts.reports.day,
    required: true,
    onchange: choose,
  });
  return h(
    "section",
    { id: "reports", tabindex: -1, "aria-labelledby": "reports-title" },
    h("header", {}, back, h("h2", { id: "reports-title" }, texts.reports.title)),
    h(
      "div",
      { class: "reports-body" },
      h(
        "section",
        { "aria-labelledby": "reports-now" },
        h(
          "header",
          {},
          h("h3", { id: "reports-now" }, texts.reports.now),
          h("p", { class: "hint", "data-part": "now-at" }),
        ),
        place("now-tiles"),
        scroller("now-teams", texts.reports.teams_now),
        scroller("now-agents", texts.reports.agents_now),
      ),
      h(
        "section",
        { "aria-labelledby": "reports-day" },
        h(
          "header",
          {},
          h("h3", { id: "reports-day" }, texts.reports.day),
          h(
            "div",
            { class: "reports-steps" },
            step("day-before", texts.reports.previous_day, "back", -1),
            chosen,
            step("day-after", texts.reports.next_day, "forth", 1),
          ),
          h("a", { id: "reports-csv", download: true }, icon("download"), "CSV"),
        ),
        h("p", { class: "hint", "data-part": "day-about" }),
        place("day-tiles"),
        place("day-chart"),
        place("day-more"),
        scroller("day-teams", texts.reports.teams_of_day),
        scroller("day-agents", texts.reports.agents_of_day),
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
  part("now-at").textContent = format(texts.reports.as_of, { time: toTheSecond(time) });
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
  const told = { day: longDate(report.date), number: report.total.begun };
  if (date && wanted !== date) announce(format(texts.reports.announced, told));
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
        texts.reports.waiting,
        total.waiting,
        total.waiting > 0 && format(texts.reports.longest, { time: time(total.longest_wait_seconds) }),
        total.waiting > 0 && "act",
      ],
      [texts.reports.active, total.active, null],
      [texts.reports.unanswered, total.unanswered, texts.reports.of_active, total.unanswered > 0 && "act"],
      [
        texts.duties.on,
        total.on_duty.length,
        format(texts.reports.off_duty, { away: total.away.length, gone: total.gone.length }),
      ],
    ),
  );
  const isTeam = teams.some(({ team }) => team !== null);
  const columns = [
    texts.common.team,
    texts.reports.waiting,
    texts.reports.longest_wait,
    texts.reports.active,
    texts.reports.unanswered,
    texts.duties.on,
    texts.duties.away,
    texts.duties.gone,
  ];
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
  fill("now-teams", texts.reports.teams, columns, isTeam ? teams.map(row) : []);
  const most = Math.max(1, ...agents.map(({ active }) => active));
  fill(
    "now-agents",
    texts.reports.agents,
    [texts.reports.agent, texts.reports.state, texts.reports.active, texts.reports.unanswered],
    agents.map(({ agent, duty, active, unanswered }) => [
      agent,
      h(
        "span",
        { class: "state", "data-duty": duty },
        h("span", { class: "duty-dot", "aria-hidden": "true" }),
        texts.duties[duty] ?? texts.reports.elsewhere,
      ),
      [bars(active, unanswered, most), active],
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
    ...formatParts(texts.reports.about, { day: h("strong", {}, longDate(date)), zone: report.time_zone }),
  );
  const { wait, first_answer: answer, first_answer_unrecorded: unrecorded, feedback } = total;
  const left = unrecorded > 0 && format(texts.reports.unrecorded, { number: unrecorded });
  const within = answer.count > 0 && format(texts.reports.within, { time: time(answer.p90_seconds) });
  part("day-tiles").replaceChildren(
    tiles(
      [texts.reports.began, total.begun, format(texts.reports.still_open, { number: total.open })],
      [texts.reports.accepted, total.accepted, share(total.accepted, total.begun)],
      [texts.reports.missed, total.missed, share(total.missed, total.begun), total.missed > 0 && "act"],
      [
        texts.reports.wait,
        time(wait.median_seconds),
        wait.count > 0 && format(texts.reports.within, { time: time(wait.p90_seconds) }),
      ],
      [texts.reports.first_answer, time(answer.median_seconds), [within, left].filter(Boolean).join(". ")],
      [texts.reports.feedback, average(feedback), rated(feedback)],
    ),
  );
  part("day-chart").replaceChildren(
    dayChart(hours),
    h("details", {}, h("summary", {}, texts.reports.hours_as_table), hourTable(hours)),
  );
  part("day-more").replaceChildren(...ends(total));
  const columns = [
    texts.reports.began,
    texts.reports.accepted,
    texts.reports.missed,
    texts.reports.open,
    texts.reports.wait_median,
    texts.reports.wait_most,
    texts.reports.answer_median,
    texts.reports.answer_most,
    texts.reports.feedback,
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
    rating(of.feedback),
  ];
  const hasTeams = teams.some(({ team }) => team !== null);
  const ofTeams = hasTeams ? teams.map((team) => row(teamName(team), team)) : [];
  fill("day-teams", texts.reports.teams, [texts.common.team, ...columns], ofTeams);
  fill(
    "day-agents",
    texts.reports.agents,
    [texts.reports.agent, ...columns],
    agents.map((agent) => row(agent.agent, agent)),
  );
}
