// Times in the agent's time zone and the language of the page. The clock has 12 or 24 hours, as in the agent's system
// settings.

import { format, locale, texts } from "./language.js";

const clock = new Intl.DateTimeFormat().resolvedOptions().locale;
const { hourCycle } = new Intl.DateTimeFormat(clock, { hour: "numeric" }).resolvedOptions();
const dates = (options) => new Intl.DateTimeFormat(locale, { hourCycle, ...options });

const hours = dates({ hour: "2-digit", minute: "2-digit" });
const weekday = dates({ weekday: "long" });
const dayMonth = dates({ weekday: "long", day: "numeric", month: "long" });
const withYear = dates({ day: "numeric", month: "long", year: "numeric" });
const short = dates({ day: "numeric", month: "short" });
const shortYear = dates({ day: "numeric", month: "short", year: "numeric" });
const seconds = dates({ timeStyle: "medium" });
const whole = dates({ dateStyle: "full", timeStyle: "long" });

const DAY_MS = 86_400_000;
const midnight = (date) => new Date(date.getFullYear(), date.getMonth(), date.getDate());
/** How many midnights lie between a time and now. */
const daysAgo = (date) => Math.round((midnight(new Date()) - midnight(date)) / DAY_MS);

/** `14:02`. */
export const atClock = (time) => hours.format(new Date(time));
/** `14:02:07`. */
export const toTheSecond = (time) => seconds.format(new Date(time));
/** The time to the second, with its zone. */
export const exact = (time) => whole.format(new Date(time));
/** The same for all times of one day. */
export const dayOf = (time) => midnight(new Date(time)).getTime();

/** A day in words: `Today`, `Monday`, `Tuesday 4 March`. */
export function dayName(time) {
  const date = new Date(time);
  const days = daysAgo(date);
  if (days === 0) return texts.time.today;
  if (days === 1) return texts.time.yesterday;
  if (days > 1 && days < 7) return weekday.format(date);
  return (date.getFullYear() === new Date().getFullYear() ? dayMonth : withYear).format(date);
}

/** A short form for lists: `14:02`, `Yesterday`, `4 Mar`. */
export function brief(time) {
  const date = new Date(time);
  const days = daysAgo(date);
  if (days <= 0) return hours.format(date);
  if (days === 1) return texts.time.yesterday;
  return (date.getFullYear() === new Date().getFullYear() ? short : shortYear).format(date);
}

/** Day and clock: `Yesterday, 14:02`. */
export const full = (time) => format(texts.time.day_and_clock, { day: dayName(time), clock: atClock(time) });

/** How long ago, in the largest unit that says enough: `42 s`, `7 min`, `3 h 20 min`, `2 days`. */
export function span(from, to = Date.now()) {
  const seconds = Math.max(0, Math.floor((to - new Date(from)) / 1000));
  if (seconds < 60) return format(texts.time.seconds, { number: seconds });
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return format(texts.time.minutes, { number: minutes });
  const hours = Math.floor(minutes / 60);
  if (hours >= 24) return format(texts.time.days, { number: Math.floor(hours / 24) });
  const rest = minutes % 60;
  return rest ? format(texts.time.hours_and_minutes, { hours, minutes: rest }) : format(texts.time.hours, { number: hours });
}
