// The portfolio's page: what is urgent first, then how the whole stands, then what it comes from.

import { bandsOverTime, bar, legend, meter } from "./charts.js";
import { asTable, card, empty, html, table } from "./dom.js";
import { ago, band, count, day, duration, figure, human, left, money, number, sentence, when } from "./words.js";

export const sources = () => [
  { name: "live", path: "performance/live", seconds: 10 },
  { name: "history", path: "performance/history?weeks=26", seconds: 300 },
  { name: "capacity", path: "capacity/forecast", seconds: 60 },
];

/** The page from what is known. `part` says of each source what to show, or why there is nothing. */
export function page(part) {
  return [
    part("live", headline),
    html("div", { class: "columns" },
      html("div", { class: "main-column" },
        part("live", escalations, "escalations", "Active escalations"),
        part("live", falls, "falls", "Biggest movers"),
        part("live", ctas, "ctas", "Open calls to action")),
      html("div", { class: "side-column" },
        part("live", bands, "bands", "Accounts by band"),
        part("history", history, "history", "Bands over time"),
        part("capacity", capacity, "capacity", "Capacity"),
        part("live", anomalies, "anomalies", "Unusual this week"),
        part("live", opportunities, "opportunities", "Where accounts may grow"))),
    part("live", figures, "figures", "Key figures against target"),
  ];
}

export function title(entries) {
  const live = entries.live.data;
  return live?.open_escalation_count ? `(${live.open_escalation_count}) Portfolio` : "Portfolio";
}

export function link(account, name) {
  return html("a", { href: `#/accounts/${encodeURIComponent(account)}` }, name ?? account);
}

const inTrouble = (bands) => bands.filter(({ band: name }) => name === "critical" || name === "emergency")
  .reduce((sum, { accounts }) => sum + accounts, 0);

function headline(live, entries, now) {
  const breached = live.open_escalations.filter(({ breach_at: at }) => at && Date.parse(at) < now).length;
  const overdue = live.open_ctas.filter(({ due_at: at }) => Date.parse(at) < now).length;
  const before = entries.history.data?.weeks.at(-5);
  const trouble = inTrouble(live.bands);
  const moved = before && trouble - inTrouble(before.bands);
  const tiles = [
    tile("Accounts", live.accounts, undefined, ""),
    tile("Critical or worse", trouble, moved === undefined ? undefined : moved === 0 ? "as four weeks ago" : `${Math.abs(moved)} ${moved > 0 ? "more" : "fewer"} than four weeks ago`, trouble ? "bad" : ""),
    tile("Escalations", live.open_escalation_count, breached ? `${breached} past the target` : "none past the target", breached ? "bad" : ""),
    tile("Calls to action", live.open_cta_count, overdue ? `${overdue} overdue` : "none overdue", overdue ? "late" : ""),
    budget(live.error_budget),
  ];
  return html("dl", { class: "tiles" }, tiles.filter(Boolean));
}

function tile(name, value, note, kind) {
  return html("div", { class: `tile ${kind}` }, html("dt", {}, name), html("dd", {}, html("strong", {}, String(value)), note && html("span", {}, note)));
}

function budget(budget) {
  if (!budget) return undefined;
  const share = Number(budget.remaining_share);
  const burn = budget.burn_rate_1h === null || budget.burn_rate_1h === undefined ? "nobody asked in the last hour" : `burning at ${number(budget.burn_rate_1h)} × in the last hour`;
  return tile("Error budget left", `${number(share * 100, 0)} %`, `of ${number(budget.budget_seconds / 60)} min in ${budget.window_days} days; ${burn}`, share < 0.25 ? "bad" : "");
}

function bands(live) {
  const shown = live.bands.filter(({ band: name, accounts }) => accounts > 0 || !["provisional", "unscored"].includes(name));
  const parts = shown.map(({ band: name, accounts }) => ({ kind: name, name: band(name), size: accounts, value: String(accounts) }));
  const said = parts.map(({ name, value }) => `${name} ${value}`).join(", ");
  return card("bands", "Accounts by band", undefined, bar(`Accounts by band: ${said}`, parts.map((part) => ({ ...part, name: `${part.name}: ${part.value}` })), Math.max(1, live.accounts)), legend(parts));
}

function history({ weeks }) {
  if (weeks.length === 0) return card("history", "Bands over time", undefined, empty("Nothing is known of past weeks yet."));
  const names = weeks.at(-1).bands.map(({ band: name }) => name).filter((name) => weeks.some(({ bands: of }) => of.some((one) => one.band === name && one.accounts > 0)));
  const many = (week, name) => String(week.bands.find((one) => one.band === name)?.accounts ?? 0);
  const rows = weeks.toReversed().map((week) => [day(week.on), ...names.map((name) => many(week, name))]);
  return card("history", "Bands over time", count(weeks.length, "week"), bandsOverTime(weeks),
    asTable("Accounts by band at the end of each week", [["Week to", "short"], ...names.map((name) => [band(name), "number"])], rows));
}

function escalations(live, entries, now) {
  const heading = ["Active escalations", live.open_escalation_count];
  if (live.open_escalations.length === 0) return card("escalations", ...heading, empty("Nothing is escalated."));
  const rows = live.open_escalations.map((open) => [
    link(open.account, open.name),
    countdown(open.breach_at, now),
    html("span", { class: `badge ${open.severity}` }, human(open.severity)),
    [html("span", {}, open.reason), html("small", {}, `${human(open.role)} · ${open.status === "acknowledged" ? "somebody has it" : "nobody has it yet"} · since ${when(open.opened_at)}`)],
  ]);
  return card("escalations", ...heading, table("Active escalations, the next to breach first", [["Account", "short"], ["Target", "short"], ["Severity", "short"], ["Why", ""]], rows));
}

/** What is left until a moment. The page's clock keeps it up to date between answers. */
export function countdown(at, now) {
  if (!at) return html("span", { class: "soft" }, "no clock runs");
  const seconds = (Date.parse(at) - now) / 1000;
  return html("time", { datetime: at, "data-until": at, class: urgency(seconds), title: when(at) }, left(seconds));
}

export function urgency(seconds) {
  return seconds < 0 ? "over" : seconds < 3_600 ? "soon" : "calm";
}

function falls(live) {
  if (live.falls.length === 0) return card("falls", "Biggest movers", undefined, empty("No score fell in the last 30 days and stayed down."));
  const items = live.falls.map((fall) => {
    const [to, fell] = [Number(fall.score), Number(fall.fell)];
    return html("li", {},
      html("div", { class: "mover" },
        html("span", { class: "name" }, link(fall.account, fall.name), html("small", {}, day(fall.at))),
        html("span", { class: `chip ${fall.band}` }, `${band(fall.band)} ${number(to)}`),
        html("span", { class: "fell" }, html("span", { "aria-hidden": "true" }, "▼ "), html("span", { class: "unseen" }, "down "), number(fell))),
      html("ul", { class: "reasons" }, fall.reasons.slice(0, 3).map((reason) => html("li", {}, sentence(reason)))));
  });
  return card("falls", "Biggest movers", "falls of the last 30 days that were not made good", html("ol", { class: "movers" }, items));
}

const FIRST = 6;

function ctas(live, entries, now) {
  const heading = ["Open calls to action", live.open_cta_count];
  if (live.open_ctas.length === 0) return card("ctas", ...heading, empty("No call to action is open."));
  const rows = live.open_ctas.map((cta) => [
    link(cta.account, cta.name),
    due(cta.due_at, now),
    [html("span", {}, sentence(cta.reason)), html("small", {}, `${human(cta.rule)} · ${cta.owner ?? "nobody has it yet"}`)],
  ]);
  const columns = [["Account", "short"], ["Due", "short"], ["Why", ""]];
  const rest = rows.slice(FIRST);
  return card("ctas", ...heading, table("Open calls to action, the most urgent first", columns, rows.slice(0, FIRST)),
    rest.length > 0 && html("details", {}, html("summary", {}, `${rest.length} more`), table("The other open calls to action", columns, rest)));
}

export function due(at, now) {
  const seconds = (Date.parse(at) - now) / 1000;
  const said = seconds < 0 ? `${duration(seconds).split(" ").slice(0, 2).join(" ")} late` : `in ${duration(seconds).split(" ").slice(0, 2).join(" ")}`;
  return html("time", { datetime: at, title: when(at), class: seconds < 0 ? "over" : "calm" }, said);
}

const STANDINGS = { met: "✓ met", missed: "✗ missed", no_data: "no data yet", no_baseline: "no baseline" };

function figures(live) {
  if (!live.kpis?.length) return card("figures", "Key figures against target", undefined, empty("No key figures are told yet."));
  const met = live.kpis.filter(({ standing }) => standing === "met").length;
  const judged = live.kpis.filter(({ standing }) => standing === "met" || standing === "missed").length;
  const row = (kpi) => [
    [html("span", {}, kpi.name), kpi.means && html("small", {}, sentence(kpi.means))],
    figure(kpi.value, kpi.unit),
    [html("span", { class: "unseen" }, kpi.direction === "up" ? "at least " : "at most "), html("span", { "aria-hidden": "true" }, kpi.target === null ? "" : kpi.direction === "up" ? "≥ " : "≤ "), figure(kpi.target, kpi.unit)],
    figure(kpi.baseline, kpi.unit),
    html("span", { class: `standing ${kpi.standing}` }, STANDINGS[kpi.standing] ?? human(kpi.standing)),
    String(kpi.counted),
  ];
  const rows = (...standings) => standings.flatMap((standing) => live.kpis.filter((kpi) => kpi.standing === standing).map(row));
  const columns = [["Figure", "wide"], ["Now", "number"], ["Target", "number"], ["Before", "number"], ["Standing", "short"], ["Counted", "number"]];
  const rest = rows("no_baseline", "no_data");
  return card("figures", "Key figures against target", `${met} of ${judged} that can be judged are met`,
    judged > 0 ? table("Key figures against target, the missed ones first", columns, rows("missed", "met")) : empty("None can be judged yet."),
    rest.length > 0 && html("details", {}, html("summary", {}, `${rest.length} without a baseline or without data`), table("Key figures that cannot be judged yet", columns, rest)));
}

function anomalies(live, entries, now) {
  if (!live.anomalies?.length) return card("anomalies", "Unusual this week", undefined, empty("Nothing was out of the ordinary in the last seven days."));
  return card("anomalies", "Unusual this week", live.anomalies.length, html("ul", { class: "lines" }, live.anomalies.slice(0, FIRST).map((found) =>
    html("li", {}, link(found.account, found.name), html("small", {}, ` ${ago((now - Date.parse(found.at)) / 1000)}`),
      html("p", {}, html("span", { "aria-hidden": "true" }, found.direction === "up" ? "▲ " : "▼ "), sentence(found.reason))))));
}

function opportunities(live) {
  if (!live.opportunities?.length) return card("opportunities", "Where accounts may grow", undefined, empty("No opportunity is open."));
  return card("opportunities", "Where accounts may grow", live.opportunities.length, html("ul", { class: "lines" }, live.opportunities.slice(0, FIRST).map((one) =>
    html("li", {}, link(one.account, one.name), html("small", {}, ` pays ${money(one.arr_cents)} a year`), html("p", {}, sentence(one.reason))))));
}

function capacity(answer) {
  const roles = answer.roles.filter(({ people, accounts }) => people > 0 || accounts > 0);
  if (roles.length === 0) return card("capacity", "Capacity", undefined, empty("Nobody is in a role that looks after accounts."));
  const target = Number(answer.target_percent);
  const items = roles.map((role) => {
    const full = role.utilization_percent === null ? undefined : Number(role.utilization_percent);
    const kind = full === undefined || full > 100 ? "emergency" : full > target ? "at_risk" : "healthy";
    const notes = [
      role.role === answer.binding && "the bottleneck",
      role.overflow > 0 && `${number(role.overflow / 100)} accounts' work too much`,
      role.hire_on && `decide to hire by ${day(role.hire_on)}`,
      !role.hire_on && role.full_on && `full on ${day(role.full_on)}`,
    ].filter(Boolean).join(" · ");
    return html("li", {},
      html("div", { class: "split" }, html("span", {}, human(role.role), html("small", {}, ` ${count(role.people, "person", "people")}`)), html("strong", {}, full === undefined ? "nobody" : `${number(full, 0)} %`)),
      full !== undefined && meter(`${human(role.role)} is ${number(full, 0)} percent full; it should be ${target} at most`, full, target, kind, Math.max(100, full)),
      notes && html("small", {}, sentence(notes)));
  });
  const tired = answer.turns.filter(({ too_often: often }) => often);
  const gaps = answer.gaps.slice(0, 3);
  return card("capacity", "Capacity", answer.hiring_due ? "somebody is to be hired" : undefined, html("ul", { class: "lines" }, items),
    gaps.length > 0 && html("p", { class: "small" }, `Too few know: ${gaps.map(({ skill, role }) => `${human(skill).toLowerCase()} (${human(role).toLowerCase()})`).join(", ")}.`),
    tired.length > 0 && html("p", { class: "small" }, `Called out of hours too often in 28 days: ${tired.map(({ person, out_of_hours: nights }) => `${person} (${nights})`).join(", ")}.`));
}
