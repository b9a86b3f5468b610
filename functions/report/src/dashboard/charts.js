// Charts as SVG. Places along a chart are percentages of its width, so it fits any screen without being drawn again, and its
// letters stay as large as they are. What is a path lies in a part of its own that is stretched.

import { html, svg } from "./dom.js";
import { band, BANDS, day, number } from "./words.js";

const DAY_MS = 86_400_000;

/** The whole for anybody who cannot see it, then the chart. */
function figure(label, height, ...parts) {
  return svg("svg", { class: "chart", role: "img", "aria-label": label, width: "100%", height }, ...parts);
}

const share = (part) => `${part.toFixed(3)}%`;

/** One bar of parts, `{ name, kind, size }`; what is missing to `whole` stays empty. */
export function bar(label, parts, whole, height = 28) {
  let from = 0;
  const pieces = parts
    .filter(({ size }) => size > 0)
    .map(({ name, kind, size }) => {
      const piece = svg(
        "rect",
        { class: `fill ${kind}`, x: share((100 * from) / whole), width: share((100 * size) / whole), height: "100%" },
        svg("title", {}, name),
      );
      from += size;
      return piece;
    });
  return figure(label, height, svg("rect", { class: "track", width: "100%", height: "100%" }), pieces);
}

/** How full something is, with a mark where it should end. Both in percent of `whole`. */
export function meter(label, value, mark, kind, whole = 100) {
  const to = Math.max(0, Math.min(100, (100 * value) / whole));
  return figure(
    label,
    14,
    svg("rect", { class: "track", y: 3, width: "100%", height: 8, rx: 4 }),
    svg("rect", { class: `fill ${kind}`, y: 3, width: share(to), height: 8, rx: 4 }),
    mark !== undefined &&
      svg("line", { class: "mark", x1: share((100 * mark) / whole), x2: share((100 * mark) / whole), y1: 0, y2: 14 }),
  );
}

/** A column for each week, made of the accounts in each band, the worst at the bottom: that is where one looks for trouble. */
export function bandsOverTime(weeks) {
  const height = 180;
  const kinds = Object.keys(BANDS).reverse();
  const most = Math.max(1, ...weeks.map(({ bands }) => bands.reduce((sum, { accounts }) => sum + accounts, 0)));
  const each = 100 / weeks.length;
  const columns = weeks.map(({ on, bands }, place) => {
    const many = Object.fromEntries(bands.map(({ band: name, accounts }) => [name, accounts]));
    let below = height;
    const pieces = kinds
      .filter((kind) => many[kind] > 0)
      .map((kind) => {
        const tall = (height * many[kind]) / most;
        below -= tall;
        return svg("rect", {
          class: `fill ${kind}`,
          x: share(place * each + each * 0.06),
          width: share(each * 0.88),
          y: below.toFixed(2),
          height: tall.toFixed(2),
        });
      });
    const said = kinds
      .toReversed()
      .filter((kind) => many[kind] > 0)
      .map((kind) => `${band(kind)} ${many[kind]}`)
      .join(", ");
    return svg("g", {}, svg("title", {}, `${day(on)}: ${said}`), pieces);
  });
  const months = weeks
    .map(({ on }, place) => ({ place, on }))
    .filter(
      ({ on, place }) => place > 0 && on.slice(0, 7) !== weeks[place - 1].on.slice(0, 7) && place < weeks.length - 1,
    )
    .map(({ place, on }) => svg("text", { class: "axis", x: share(place * each), y: height + 16 }, month(on)));
  return figure(`Accounts by band at the end of each of ${weeks.length} weeks`, height + 22, columns, months);
}

function month(on) {
  return new Date(on).toLocaleDateString(undefined, { month: "short", timeZone: "UTC" });
}

/** The edges of the bands as they are built in; the score's own band always stands beside the chart. */
const ZONES = [
  ["emergency", 0, 60],
  ["critical", 60, 70],
  ["at_risk", 70, 80],
  ["healthy", 80, 90],
  ["champion", 90, 100],
];

/**
 * A score over time: `past` is `[{ at, score }]`, the oldest first; `ahead` is `[{ on, low_80, … }]`; `events` are
 * `[{ at, number, kind, text }]`. The bands lie behind it.
 */
export function scoreOverTime(past, ahead, events) {
  const height = 240;
  const last = ahead.length ? Date.parse(ahead.at(-1).on) : Date.parse(past.at(-1).at);
  const begin = Date.parse(past[0].at);
  const span = Math.max(DAY_MS, last - begin);
  const scores = [
    ...past.map(({ score }) => Number(score)),
    ...ahead.flatMap((point) => [Number(point.low_95), Number(point.high_95)]),
  ];
  const floor = Math.max(0, Math.floor((Math.min(...scores) - 4) / 10) * 10);
  const top = Math.min(100, Math.ceil((Math.max(...scores) + 4) / 10) * 10);
  const across = (time) => (100 * (Date.parse(time) - begin)) / span;
  const down = (score) => height - (height * (Math.max(floor, Math.min(top, score)) - floor)) / (top - floor);

  const zones = ZONES.filter(([, from, to]) => to > floor && from < top).map(([kind, from, to]) => {
    const [high, low] = [down(Math.min(to, top)), down(Math.max(from, floor))];
    return [
      svg("rect", { class: `zone ${kind}`, y: high, width: "100%", height: low - high }),
      svg("text", { class: "axis", x: 4, y: low - 4 }, `${Math.max(from, floor)} · ${band(kind)}`),
    ];
  });
  const paths = svg(
    "svg",
    { viewBox: `0 0 100 ${height}`, preserveAspectRatio: "none", width: "100%", height },
    fan(ahead, "low_95", "high_95", across, down),
    fan(ahead, "low_80", "high_80", across, down),
    svg("path", { class: "line", d: way(past.map(({ at, score }) => [across(at), down(score)])) }),
    ahead.length > 0 &&
      svg("path", {
        class: "line ahead",
        d: way([
          [across(past.at(-1).at), down(past.at(-1).score)],
          ...ahead.map(({ on, middle }) => [across(on), down(middle)]),
        ]),
      }),
  );
  const today =
    ahead.length > 0 &&
    svg("line", {
      class: "mark",
      x1: share(across(past.at(-1).at)),
      x2: share(across(past.at(-1).at)),
      y1: 0,
      y2: height,
    });
  const marks = apart(
    events.filter(({ at }) => Date.parse(at) >= begin),
    across,
  ).map(({ at, number: name, kind, text, below }) =>
    svg(
      "g",
      { class: `event ${kind}` },
      svg("title", {}, `${day(at)}: ${text}`),
      svg("line", { x1: share(across(at)), x2: share(across(at)), y1: below, y2: height }),
      svg("circle", { cx: share(across(at)), cy: below, r: 9 }),
      svg("text", { x: share(across(at)), y: below + 4 }, name),
    ),
  );
  const label =
    `The score from ${day(past[0].at)} to ${day(past.at(-1).at)}, at last ${number(past.at(-1).score)}` +
    (ahead.length
      ? `; expected on ${day(ahead.at(-1).on)}: ${number(ahead.at(-1).low_80)} to ${number(ahead.at(-1).high_80)}`
      : "");
  return figure(label, height + 22, zones, paths, today, marks, months(begin, last, across, height));
}

/** Marks that would lie on each other stand below each other. */
function apart(events, across) {
  let row = 0;
  return events.map((event, place) => {
    const isClose = place > 0 && across(event.at) - across(events[place - 1].at) < 6;
    row = isClose ? row + 1 : 0;
    return { ...event, below: 12 + 20 * row };
  });
}

function way(points) {
  return points.map(([x, y], place) => `${place ? "L" : "M"}${x.toFixed(3)} ${y.toFixed(2)}`).join("");
}

function fan(ahead, low, high, across, down) {
  if (ahead.length < 2) return undefined;
  const there = ahead.map((point) => [across(point.on), down(point[high])]);
  const back = ahead.toReversed().map((point) => [across(point.on), down(point[low])]);
  return svg("path", { class: "fan", d: `${way([...there, ...back])}Z` });
}

function months(begin, last, across, height) {
  const made = [];
  const first = new Date(begin);
  const tooLate = last - (last - begin) * 0.06;
  for (let ahead = 1; ; ahead += 1) {
    const start = Date.UTC(first.getUTCFullYear(), first.getUTCMonth() + ahead, 1);
    if (start > tooLate) return made;
    const time = new Date(start).toISOString();
    made.push(svg("text", { class: "axis", x: share(across(time)), y: height + 16 }, month(time)));
  }
}

/** A legend whose entries say the numbers too. */
export function legend(parts) {
  return html(
    "ul",
    { class: "legend" },
    parts.map(({ kind, name, value }) =>
      html("li", {}, html("span", { class: `swatch ${kind}` }), html("span", {}, name), html("strong", {}, value)),
    ),
  );
}
