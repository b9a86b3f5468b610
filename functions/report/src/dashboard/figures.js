// Figures: what should be reached, what is out of the ordinary, where accounts may grow, and whether there are enough people.

import { meter } from "./charts.js";
import { card, empty, html, link, table } from "./dom.js";
import { ago, count, day, figure, human, money, number, sentence } from "./words.js";

/** So many of a list are shown. */
const FIRST = 6;

const STANDINGS = { met: "✓ met", missed: "✗ missed", no_data: "no data yet", no_baseline: "no baseline" };

export function figures(live) {
  if (!live.kpis?.length)
    return card("figures", "Key figures against target", undefined, empty("No key figures are told yet."));
  const met = live.kpis.filter(({ standing }) => standing === "met").length;
  const judged = live.kpis.filter(({ standing }) => standing === "met" || standing === "missed").length;
  const row = (kpi) => [
    [html("span", {}, kpi.name), kpi.means && html("small", {}, sentence(kpi.means))],
    figure(kpi.value, kpi.unit),
    [
      html("span", { class: "unseen" }, kpi.direction === "up" ? "at least " : "at most "),
      html("span", { "aria-hidden": "true" }, kpi.target === null ? "" : kpi.direction === "up" ? "≥ " : "≤ "),
      figure(kpi.target, kpi.unit),
    ],
    figure(kpi.baseline, kpi.unit),
    html("span", { class: `standing ${kpi.standing}` }, STANDINGS[kpi.standing] ?? human(kpi.standing)),
    String(kpi.counted),
  ];
  const rows = (...standings) =>
    standings.flatMap((standing) => live.kpis.filter((kpi) => kpi.standing === standing).map(row));
  const columns = [
    ["Figure", "wide"],
    ["Now", "number"],
    ["Target", "number"],
    ["Before", "number"],
    ["Standing", "short"],
    ["Counted", "number"],
  ];
  const rest = rows("no_baseline", "no_data");
  return card(
    "figures",
    "Key figures against target",
    `${met} of ${judged} that can be judged are met`,
    judged > 0
      ? table("Key figures against target, the missed ones first", columns, rows("missed", "met"))
      : empty("None can be judged yet."),
    rest.length > 0 &&
      html(
        "details",
        {},
        html("summary", {}, `${rest.length} without a baseline or without data`),
        table("Key figures that cannot be judged yet", columns, rest),
      ),
  );
}

export function anomalies(live, entries, now) {
  if (!live.anomalies?.length)
    return card(
      "anomalies",
      "Unusual this week",
      undefined,
      empty("Nothing was out of the ordinary in the last seven days."),
    );
  return card(
    "anomalies",
    "Unusual this week",
    live.anomalies.length,
    html(
      "ul",
      { class: "lines" },
      live.anomalies
        .slice(0, FIRST)
        .map((found) =>
          html(
            "li",
            {},
            link(found.account, found.name),
            html("small", {}, ` ${ago((now - Date.parse(found.at)) / 1000)}`),
            html(
              "p",
              {},
              html("span", { "aria-hidden": "true" }, found.direction === "up" ? "▲ " : "▼ "),
              sentence(found.reason),
            ),
          ),
        ),
    ),
  );
}

export function opportunities(live) {
  if (!live.opportunities?.length)
    return card("opportunities", "Where accounts may grow", undefined, empty("No opportunity is open."));
  return card(
    "opportunities",
    "Where accounts may grow",
    live.opportunities.length,
    html(
      "ul",
      { class: "lines" },
      live.opportunities
        .slice(0, FIRST)
        .map((one) =>
          html(
            "li",
            {},
            link(one.account, one.name),
            html("small", {}, ` pays ${money(one.arr_cents)} a year`),
            html("p", {}, sentence(one.reason)),
          ),
        ),
    ),
  );
}

export function capacity(answer) {
  const roles = answer.roles.filter(({ people, accounts }) => people > 0 || accounts > 0);
  if (roles.length === 0)
    return card("capacity", "Capacity", undefined, empty("Nobody is in a role that looks after accounts."));
  const target = Number(answer.target_percent);
  const items = roles.map((role) => {
    const full = role.utilization_percent === null ? undefined : Number(role.utilization_percent);
    const kind = full === undefined || full > 100 ? "emergency" : full > target ? "at_risk" : "healthy";
    const notes = [
      role.role === answer.binding && "the bottleneck",
      role.overflow > 0 && `${number(role.overflow / 100)} accounts' work too much`,
      role.hire_on && `decide to hire by ${day(role.hire_on)}`,
      !role.hire_on && role.full_on && `full on ${day(role.full_on)}`,
    ]
      .filter(Boolean)
      .join(" · ");
    return html(
      "li",
      {},
      html(
        "div",
        { class: "split" },
        html("span", {}, human(role.role), html("small", {}, ` ${count(role.people, "person", "people")}`)),
        html("strong", {}, full === undefined ? "nobody" : `${number(full, 0)} %`),
      ),
      full !== undefined &&
        meter(
          `${human(role.role)} is ${number(full, 0)} percent full; it should be ${target} at most`,
          full,
          target,
          kind,
          Math.max(100, full),
        ),
      notes && html("small", {}, sentence(notes)),
    );
  });
  const tired = answer.turns.filter(({ too_often: often }) => often);
  const gaps = answer.gaps.slice(0, 3);
  return card(
    "capacity",
    "Capacity",
    answer.hiring_due ? "somebody is to be hired" : undefined,
    html("ul", { class: "lines" }, items),
    gaps.length > 0 &&
      html(
        "p",
        { class: "small" },
        `Too few know: ${gaps.map(({ skill, role }) => `${human(skill).toLowerCase()} (${human(role).toLowerCase()})`).join(", ")}.`,
      ),
    tired.length > 0 &&
      html(
        "p",
        { class: "small" },
        `Called out of hours too often in 28 days: ${tired.map(({ person, out_of_hours: nights }) => `${person} (${nights})`).join(", ")}.`,
      ),
  );
}
