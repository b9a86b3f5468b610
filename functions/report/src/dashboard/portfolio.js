// The portfolio's page: what is urgent first, then how the whole stands, then what it comes from.

import { bandsOverTime, bar, legend } from "./charts.js";
import { asTable, card, empty, html, link, table } from "./dom.js";
import { anomalies, capacity, figures, opportunities } from "./figures.js";
import { countdown, due } from "./moments.js";
import { band, count, day, human, number, sentence, when } from "./words.js";

export const sources = () => [
  { name: "live", path: "performance/live", seconds: 10 },
  { name: "history", path: "performance/history?weeks=26", seconds: 300 },
  { name: "capacity", path: "capacity/forecast", seconds: 60 },
];

/** The page from what is known. `part` says of each source what to show, or why there is nothing. */
export function page(part) {
  return [
    part("live", headline),
    html(
      "div",
      { class: "columns" },
      html(
        "div",
        { class: "main-column" },
        part("live", escalations, "escalations", "Active escalations"),
        part("live", falls, "falls", "Biggest movers"),
        part("live", ctas, "ctas", "Open calls to action"),
      ),
      html(
        "div",
        { class: "side-column" },
        part("live", bands, "bands", "Accounts by band"),
        part("history", history, "history", "Bands over time"),
        part("capacity", capacity, "capacity", "Capacity"),
        part("live", anomalies, "anomalies", "Unusual this week"),
        part("live", opportunities, "opportunities", "Where accounts may grow"),
      ),
    ),
    part("live", figures, "figures", "Key figures against target"),
  ];
}

export function title(entries) {
  const live = entries.live.data;
  return live?.open_escalation_count ? `(${live.open_escalation_count}) Portfolio` : "Portfolio";
}

const inTrouble = (bands) =>
  bands
    .filter(({ band: name }) => name === "critical" || name === "emergency")
    .reduce((sum, { accounts }) => sum + accounts, 0);

function headline(live, entries, now) {
  const breached = live.open_escalations.filter(({ breach_at: at }) => at && Date.parse(at) < now).length;
  const overdue = live.open_ctas.filter(({ due_at: at }) => Date.parse(at) < now).length;
  const before = entries.history.data?.weeks.at(-5);
  const trouble = inTrouble(live.bands);
  const moved = before && trouble - inTrouble(before.bands);
  const tiles = [
    tile("Accounts", live.accounts, undefined, ""),
    tile(
      "Critical or worse",
      trouble,
      moved === undefined
        ? undefined
        : moved === 0
          ? "as four weeks ago"
          : `${Math.abs(moved)} ${moved > 0 ? "more" : "fewer"} than four weeks ago`,
      trouble ? "bad" : "",
    ),
    tile(
      "Escalations",
      live.open_escalation_count,
      breached ? `${breached} past the target` : "none past the target",
      breached ? "bad" : "",
    ),
    tile(
      "Calls to action",
      live.open_cta_count,
      overdue ? `${overdue} overdue` : "none overdue",
      overdue ? "late" : "",
    ),
    budget(live.error_budget),
  ];
  return html("dl", { class: "tiles" }, tiles.filter(Boolean));
}

function tile(name, value, note, kind) {
  return html(
    "div",
    { class: `tile ${kind}` },
    html("dt", {}, name),
    html("dd", {}, html("strong", {}, String(value)), note && html("span", {}, note)),
  );
}

function budget(budget) {
  if (!budget) return undefined;
  const share = Number(budget.remaining_share);
  const burn =
    budget.burn_rate_1h === null || budget.burn_rate_1h === undefined
      ? "nobody asked in the last hour"
      : `burning at ${number(budget.burn_rate_1h)} × in the last hour`;
  return tile(
    "Error budget left",
    `${number(share * 100, 0)} %`,
    `of ${number(budget.budget_seconds / 60)} min in ${budget.window_days} days; ${burn}`,
    share < 0.25 ? "bad" : "",
  );
}

function bands(live) {
  const shown = live.bands.filter(
    ({ band: name, accounts }) => accounts > 0 || !["provisional", "unscored"].includes(name),
  );
  const parts = shown.map(({ band: name, accounts }) => ({
    kind: name,
    name: band(name),
    size: accounts,
    value: String(accounts),
  }));
  const said = parts.map(({ name, value }) => `${name} ${value}`).join(", ");
  return card(
    "bands",
    "Accounts by band",
    undefined,
    bar(
      `Accounts by band: ${said}`,
      parts.map((part) => ({ ...part, name: `${part.name}: ${part.value}` })),
      Math.max(1, live.accounts),
    ),
    legend(parts),
  );
}

function history({ weeks }) {
  if (weeks.length === 0)
    return card("history", "Bands over time", undefined, empty("Nothing is known of past weeks yet."));
  const names = weeks
    .at(-1)
    .bands.map(({ band: name }) => name)
    .filter((name) => weeks.some(({ bands: of }) => of.some((one) => one.band === name && one.accounts > 0)));
  const many = (week, name) => String(week.bands.find((one) => one.band === name)?.accounts ?? 0);
  const rows = weeks.toReversed().map((week) => [day(week.on), ...names.map((name) => many(week, name))]);
  return card(
    "history",
    "Bands over time",
    count(weeks.length, "week"),
    bandsOverTime(weeks),
    asTable(
      "Accounts by band at the end of each week",
      [["Week to", "short"], ...names.map((name) => [band(name), "number"])],
      rows,
    ),
  );
}

function escalations(live, entries, now) {
  const heading = ["Active escalations", live.open_escalation_count];
  if (live.open_escalations.length === 0) return card("escalations", ...heading, empty("Nothing is escalated."));
  const rows = live.open_escalations.map((open) => [
    link(open.account, open.name),
    countdown(open.breach_at, now),
    html("span", { class: `badge ${open.severity}` }, human(open.severity)),
    [
      html("span", {}, open.reason),
      html(
        "small",
        {},
        `${human(open.role)} · ${open.status === "acknowledged" ? "somebody has it" : "nobody has it yet"} · since ${when(open.opened_at)}`,
      ),
    ],
  ]);
  return card(
    "escalations",
    ...heading,
    table(
      "Active escalations, the next to breach first",
      [
        ["Account", "short"],
        ["Target", "short"],
        ["Severity", "short"],
        ["Why", ""],
      ],
      rows,
    ),
  );
}

function falls(live) {
  if (live.falls.length === 0)
    return card("falls", "Biggest movers", undefined, empty("No score fell in the last 30 days and stayed down."));
  const items = live.falls.map((fall) => {
    const [to, fell] = [Number(fall.score), Number(fall.fell)];
    return html(
      "li",
      {},
      html(
        "div",
        { class: "mover" },
        html("span", { class: "name" }, link(fall.account, fall.name), html("small", {}, day(fall.at))),
        html("span", { class: `chip ${fall.band}` }, `${band(fall.band)} ${number(to)}`),
        html(
          "span",
          { class: "fell" },
          html("span", { "aria-hidden": "true" }, "▼ "),
          html("span", { class: "unseen" }, "down "),
          number(fell),
        ),
      ),
      html(
        "ul",
        { class: "reasons" },
        fall.reasons.slice(0, 3).map((reason) => html("li", {}, sentence(reason))),
      ),
    );
  });
  return card(
    "falls",
    "Biggest movers",
    "falls of the last 30 days that were not made good",
    html("ol", { class: "movers" }, items),
  );
}

const FIRST = 6;

function ctas(live, entries, now) {
  const heading = ["Open calls to action", live.open_cta_count];
  if (live.open_ctas.length === 0) return card("ctas", ...heading, empty("No call to action is open."));
  const rows = live.open_ctas.map((cta) => [
    link(cta.account, cta.name),
    due(cta.due_at, now),
    [
      html("span", {}, sentence(cta.reason)),
      html("small", {}, `${human(cta.rule)} · ${cta.owner ?? "nobody has it yet"}`),
    ],
  ]);
  const columns = [
    ["Account", "short"],
    ["Due", "short"],
    ["Why", ""],
  ];
  const rest = rows.slice(FIRST);
  return card(
    "ctas",
    ...heading,
    table("Open calls to action, the most urgent first", columns, rows.slice(0, FIRST)),
    rest.length > 0 &&
      html(
        "details",
        {},
        html("summary", {}, `${rest.length} more`),
        table("The other open calls to action", columns, rest),
      ),
  );
}
