// Small pictures of numbers. Each has its text beside it, or a label.

import { format, listed, texts } from "./language.js";

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 100;
const HEIGHT = 8;
/** The height of the highest column. */
const HIGH = 106;
/** Above it, for its number; below the columns, for the hours. */
const [ABOVE, BELOW] = [22, 18];
/** On a phone, the columns are narrow, and have numbers and hours only where there is room. */
const WIDE = { column: 22, gap: 6, hours: 3, isEach: true };
const NARROW = { column: 9, gap: 3, hours: 6, isEach: false };

function draw(tag, props, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(props)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

const box = (kind, x, y, width, height) => draw("rect", { "data-kind": kind, x, y, width, height, rx: 1 });

/** A bar of `number`, of which `marked` are marked, as long as `most` at most. The number stands beside it. */
export function bars(number, marked, most) {
  const [all, some] = [number, marked].map((count) => (count / most) * WIDTH);
  const picture = draw("svg", {
    class: "report-bar",
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
    preserveAspectRatio: "none",
    "aria-hidden": "true",
  });
  if (all > 0) picture.append(box("plain", 0, 0, all, HEIGHT));
  if (some > 0) picture.append(box("marked", 0, 0, some, HEIGHT));
  return picture;
}

/** How many conversations began in each hour: accepted ones below, missed ones on top, the rest between. */
export function dayChart(hours) {
  const size = matchMedia("(max-width: 719px)").matches ? NARROW : WIDE;
  const step = size.column + size.gap;
  const width = hours.length * step;
  const most = Math.max(1, ...hours.map(({ begun }) => begun));
  const picture = draw("svg", {
    class: "day-chart",
    viewBox: `0 0 ${width} ${ABOVE + HIGH + BELOW}`,
    preserveAspectRatio: "xMinYMin meet",
    role: "img",
    "aria-label": describe(hours),
  });
  const ground = ABOVE + HIGH;
  picture.append(draw("line", { x1: 0, x2: width, y1: ground, y2: ground }));
  hours.forEach((hour, index) => {
    const x = index * step + size.gap / 2;
    let y = ground;
    for (const [kind, number] of parts(hour)) {
      const high = (number / most) * HIGH;
      y -= high;
      if (number > 0) picture.append(box(kind, x, y, size.column, high));
    }
    const middle = x + size.column / 2;
    if (hour.begun > 0 && (size.isEach || hour.begun === most)) picture.append(text(middle, y - 4, String(hour.begun)));
    if (index % size.hours === 0) picture.append(text(middle, ground + 14, hour.clock.slice(0, 2)));
  });
  const figure = document.createElement("figure");
  figure.append(picture, legend());
  return figure;
}

/** An hour's column, from below. What was accepted and missed counts as missed. */
function parts({ begun, accepted, missed }) {
  const fine = Math.max(0, Math.min(accepted, begun - missed));
  return [
    ["plain", fine],
    ["rest", begun - missed - fine],
    ["marked", missed],
  ];
}

function legend() {
  const caption = document.createElement("figcaption");
  caption.append(`${texts.reports.by_hour}: `);
  for (const [kind, name] of [
    ["plain", texts.reports.is_accepted],
    ["rest", texts.reports.is_not_accepted],
    ["marked", texts.reports.is_missed],
  ]) {
    const sample = { class: "sample", viewBox: "0 0 10 10", "aria-hidden": "true" };
    const entry = document.createElement("span");
    entry.append(draw("svg", sample, box(kind, 0, 0, 10, 10)), name);
    caption.append(entry);
  }
  return caption;
}

const text = (x, y, words) => draw("text", { x, y, "text-anchor": "middle" }, words);

function describe(hours) {
  const busy = hours.filter(({ begun }) => begun > 0);
  if (busy.length === 0) return texts.reports.none_began;
  const words = ({ clock, begun, missed }) =>
    format(missed ? texts.reports.hour_missed : texts.reports.hour, { clock, number: begun, missed });
  return format(texts.reports.hours, { hours: listed(busy.map(words)) });
}
