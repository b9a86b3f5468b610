// One account's page: how it stands and what that is made of, how it came here and where it goes, who is at work on it, and
// what was decided and why.

import { bar, legend, meter, scoreOverTime } from "./charts.js";
import { asTable, card, empty, html, table } from "./dom.js";
import { band, clock, count, day, human, number, sentence, signed, when } from "./words.js";
import { countdown, due, link } from "./portfolio.js";

export function sources(id) {
  const account = `accounts/${encodeURIComponent(id)}`;
  const about = `account=${encodeURIComponent(id)}`;
  return [
    { name: "health", path: `${account}/health`, seconds: 15 },
    { name: "timeline", path: `${account}/timeline`, seconds: 30, list: "entries" },
    { name: "past", path: `${account}/health/history`, seconds: 300, list: "entries" },
    { name: "forecast", path: `${account}/forecast`, seconds: 600 },
    { name: "risk", path: `${account}/risk`, seconds: 120 },
    { name: "escalations", path: `escalations/active?${about}`, seconds: 15, list: "escalations" },
    { name: "ctas", path: `ctas?status=open&${about}`, seconds: 30, list: "ctas" },
    { name: "executions", path: `executions?status=running&${about}`, seconds: 30, list: "executions" },
    { name: "live", path: "performance/live", seconds: 60 },
  ];
}

/** The page from what is known. `part` says of each source what to show, or why there is nothing. */
export function page(part, id, entries) {
  return [
    html("p", { class: "back" }, html("a", { href: "#/" }, "← Portfolio")),
    part("health", (health) => standing(health, nameOf(entries, id)), "standing", nameOf(entries, id)),
    part("past", (past) => journey(past, entries), "journey", "Score over time"),
    html("div", { class: "columns" },
      html("div", { class: "main-column" },
        part("health", contributions, "contributions", "What the score is made of"),
        part("timeline", timeline, "timeline", "What happened, and why")),
      html("div", { class: "side-column" },
        part("risk", risk, "risk", "Risk and prospect"),
        part("escalations", escalations, "escalations", "Escalations"),
        part("ctas", ctas, "ctas", "Calls to action"),
        part("executions", executions, "executions", "Playbooks"))),
  ];
}

export function title(entries, id) {
  const score = entries.health.data?.score;
  return `${nameOf(entries, id)}${score === undefined ? "" : ` · ${number(score)}`}`;
}

/** People's name of an account; its id where no list that was heard has it. */
export function nameOf(entries, id) {
  const live = entries.live.data;
  const named = live && [...live.falls, ...live.open_ctas, ...live.open_escalations].find(({ account }) => account === id);
  if (named) return named.name;
  const began = entries.timeline.data?.entries.find(({ fact, text }) => fact === "AccountChanged" && text.endsWith(" became an account"));
  return began ? began.text.slice(0, -" became an account".length) : id;
}

function standing(health, name) {
  const gone = health.score === undefined;
  const shown = gone ? health.computed : health.score;
  const told = [
    gone && `Is no customer any more${health.blank_since ? ` since ${day(health.blank_since)}` : ""}; this is what it last was.`,
    health.summary && sentence(health.summary),
    ...health.caps.map(({ cap, at_most: most }) => `Held down to ${number(most)} by: ${human(cap).toLowerCase()}.`),
    ...health.overrides.map((word) => `${word.author} says ${word.subject} is ${word.points ?? band(word.band)} until ${day(word.expires_at)}: ${word.reason}.`),
    health.stale_since && `Some of it rests on data of ${day(health.stale_since)}.`,
  ].filter(Boolean);
  return html("section", { id: "standing", class: "card standing-card", "aria-labelledby": "standing-title" },
    html("div", { class: "score" },
      html("h2", { id: "standing-title" }, name),
      html("p", { class: "big" }, html("strong", {}, number(shown)), html("span", { class: `chip ${health.band ?? "provisional"}` }, health.provisional && !health.band ? band("provisional") : band(health.band)))),
    html("div", { class: "told" }, told.map((line) => html("p", {}, line)),
      html("p", { class: "soft" }, `${number(health.coverage_basis_points / 100, 0)} % of the scorecard has fresh data · confidence ${number(health.confidence_basis_points / 100, 0)} % · scored ${when(health.scored_at)} by ${health.scorecard}`)),
    health.next_band && html("div", { class: "next" }, nextBand(health.next_band)));
}

function nextBand(next) {
  const goal = html("h3", {}, `To be ${band(next.band).toLowerCase()}`);
  const said = {
    waiting: `The score is there; the band follows after ${count(next.runs_left ?? 1, "more scheduled run")}.`,
    provisional: "Too little is known for the band to move.",
    overridden: `A person's word holds it${next.until ? ` until ${day(next.until)}` : ""}.`,
    out_of_reach: "Even the best values of all that is known today would not do it.",
  }[next.status];
  const step = (one) => html("li", {}, `${human(one.measure)} from ${figureOf(one.from)} to ${figureOf(one.to)} `, html("small", {}, `${one.unit} · ${signed(one.gain)} points`));
  const steps = next.alone.length ? next.alone.slice(0, 3) : next.together;
  const how = next.alone.length > 1 ? "Any one of these would do it:" : next.together.length > 1 && !next.alone.length ? "All of these together would do it:" : "This would do it:";
  return [goal, said && html("p", {}, said), steps.length > 0 && [html("p", {}, how), html("ul", { class: "steps" }, steps.map(step))]];
}

const figureOf = (value) => Number(value).toLocaleString(undefined, { maximumFractionDigits: 2 });

function contributions(health) {
  const brought = health.dimensions.map(({ dimension, contribution }, place) => ({ kind: `dimension-${place + 1}`, name: human(dimension), size: Number(contribution), value: number(contribution) }));
  const said = brought.map(({ name, value }) => `${name} ${value}`).join(", ");
  const rows = health.dimensions.map(({ dimension, weight_basis_points: weight, points, contribution }, place) => {
    const measures = health.measures.filter(({ dimension: of }) => of === dimension);
    return html("li", {}, html("details", {},
      html("summary", {},
        html("span", { class: "split" },
          html("span", {}, html("span", { class: `swatch dimension-${place + 1}` }), human(dimension)),
          html("span", {}, html("strong", {}, number(contribution)), html("small", {}, ` of ${number(weight / 100, 0)}`))),
        meter(`${human(dimension)}: ${points === undefined ? "nothing is known" : `${number(points)} of 100 points`}`, Number(points ?? 0), undefined, `dimension-${place + 1}`)),
      table(`Measures of ${human(dimension).toLowerCase()}`, [["Measure", ""], ["Value", "number"], ["Worth", "number"], ["Brings", "number"], ["Rests on", "short"]],
        measures.map((measure) => [
          human(measure.measure),
          measure.value === undefined ? "—" : [figureOf(measure.value), html("small", {}, ` ${measure.unit}`)],
          measure.points === undefined ? "—" : number(measure.points),
          number(measure.contribution, 2),
          [basis(measure.state), measure.age_days !== undefined && html("small", {}, measure.age_days === 0 ? " of today" : ` ${count(measure.age_days, "day")} old`)],
        ]))));
  });
  return card("contributions", "What the score is made of", `${number(health.uncapped, 2)} in all`,
    bar(`What each dimension brings to the score: ${said}`, brought.map((one) => ({ ...one, name: `${one.name}: ${one.value}` })), 100),
    html("ul", { class: "dimensions" }, rows));
}

function basis(state) {
  return { present: "fresh data", held: "held value", neutral: "no data: neutral", penalised: "no data: counts against", excluded: "no data: left out", not_applicable: "does not apply", overridden: "a person's word" }[state] ?? human(state);
}

/** The facts that are worth a mark on the curve, as the marks call them, those first that say most. */
const MARKED = { BandChanged: "band", RiskChanged: "risk", CtaOpened: "cta", SlaBreached: "escalation", PlaybookStarted: "playbook", EscalationOpened: "escalation" };
const WEIGHT = Object.keys(MARKED);
const MOST_MARKS = 8;

function journey({ entries: newestFirst }, { timeline: said, forecast }) {
  const scored = newestFirst.filter(({ blank }) => !blank);
  if (scored.length === 0) return card("journey", "Score over time", undefined, empty("It was not scored yet."));
  const past = daily(scored);
  const ahead = forecast.data?.points ?? [];
  const events = marks(said.data?.entries ?? [], past[0].at);
  return card("journey", "Score over time", ahead.length ? "with what is expected of the next four weeks" : undefined,
    scoreOverTime(past, ahead, events),
    html("ul", { class: "legend wide" }, html("li", {}, html("span", { class: "swatch line" }), "score"),
      ahead.length > 0 && html("li", {}, html("span", { class: "swatch fan" }), "80 and 95 of 100 days are expected inside")),
    !ahead.length && html("p", { class: "soft small" }, expectation(forecast)),
    ahead.length > 0 && html("p", { class: "soft small" }, `The forecast is ${forecast.data.note}.`),
    events.length > 0 && html("ol", { class: "marks" }, events.map(({ number: name, kind, at, text }) => html("li", {}, html("span", { class: `dot ${kind}` }, name), html("span", {}, html("small", {}, `${day(at)} `), text)))),
    asTable("The score by day", [["Day", "short"], ["Score", "number"], ["Band", "short"], ["Why it moved", ""]],
      past.toReversed().map((one) => [day(one.at), number(one.score), band(one.band), one.reasons.slice(0, 2).map(({ text }) => text).join("; ")])),
    ahead.length > 0 && asTable("What is expected", [["Day", "short"], ["Middle", "number"], ["80 of 100", "short"], ["95 of 100", "short"]],
      ahead.map((point) => [day(point.on), number(point.middle), `${number(point.low_80)} – ${number(point.high_80)}`, `${number(point.low_95)} – ${number(point.high_95)}`])));
}

function expectation(forecast) {
  if (forecast.data) return `No forecast: ${forecast.data.note}.`;
  return forecast.refusal ? "No forecast is told here." : "The forecast is being asked for …";
}

/** The last score of each day, the oldest first. */
function daily(newestFirst) {
  const days = new Map();
  for (const entry of newestFirst) {
    const on = entry.scored_at.slice(0, 10);
    if (!days.has(on)) days.set(on, { at: entry.scored_at, score: entry.score, band: entry.band, reasons: entry.reasons });
  }
  return [...days.values()].reverse();
}

/** The events that say most, the oldest first, numbered as in the list below the curve. */
function marks(newestFirst, begin) {
  const marked = newestFirst.filter(({ fact, at, text }) => MARKED[fact] && at.slice(0, 10) > begin.slice(0, 10) && !text.startsWith("from unscored"))
    .sort((one, other) => WEIGHT.indexOf(one.fact) - WEIGHT.indexOf(other.fact))
    .slice(0, MOST_MARKS)
    .sort((one, other) => Date.parse(one.at) - Date.parse(other.at));
  return marked.map(({ at, fact, text }, place) => ({ at, number: String(place + 1), kind: MARKED[fact], text: sentence(text) }));
}

function risk({ churn, expansion }) {
  return card("risk", "Risk and prospect", undefined, html("div", { class: "pair" }, oneRisk("That it leaves", churn, "bad"), oneRisk("That it grows", expansion, "good")));
}

function oneRisk(name, body, meaning) {
  const kind = meaning === "bad" ? { high: "emergency", raised: "at_risk", low: "healthy" } : { high: "champion", raised: "healthy", low: "provisional" };
  const largest = body.contributions.filter(({ adds }) => Number(adds) !== 0).slice(0, 4);
  return html("div", {},
    html("h3", {}, name),
    html("p", {}, html("span", { class: `chip ${kind[body.level] ?? "provisional"}` }, body.level ? human(body.level) : "Not told yet"),
      body.chance !== undefined && html("strong", {}, ` ${number(Number(body.chance) * 100, 0)} %`), body.abstains && body.basis === "model" && html("small", {}, " not sure enough to predict")),
    largest.length > 0 && html("ul", { class: "reasons" }, largest.map(({ adds, text }) => html("li", {}, html("strong", {}, signed(adds, 2)), ` ${text}`))),
    html("p", { class: "soft small" }, body.basis === "model" ? `By a model${body.record ? ` of ${body.record.examples} accounts, AUC ${number(body.record.auc, 2)}` : ""}; parts are log-odds.` : sentence(`${body.because ?? "by the scorecard"}.`)));
}

function escalations({ escalations: open }, entries, now) {
  const heading = ["Escalations", open.length || undefined];
  if (open.length === 0) return card("escalations", ...heading, empty("Nothing is escalated."));
  return card("escalations", ...heading, html("ul", { class: "lines" }, open.map((one) => html("li", {},
    html("div", { class: "split" }, html("span", { class: `badge ${one.severity}` }, human(one.severity)), countdown(one.breach_at, now)),
    html("p", {}, one.reason),
    html("small", {}, [human(one.role), one.by ? `${one.by} has it` : human(one.status), one.breach_probability_percent !== undefined && `${number(one.breach_probability_percent, 0)} % likely to breach`].filter(Boolean).join(" · "))))));
}

function ctas({ ctas: open }, entries, now) {
  const heading = ["Calls to action", open.length || undefined];
  if (open.length === 0) return card("ctas", ...heading, empty("No call to action is open."));
  return card("ctas", ...heading, html("ul", { class: "lines" }, open.map((one) => html("li", {},
    html("div", { class: "split" }, html("strong", {}, human(one.rule)), due(one.due_at, now)),
    html("p", {}, sentence(one.reason)),
    one.evidence.length > 0 && html("details", {}, html("summary", {}, "What the rule saw"), html("ul", { class: "reasons" }, one.evidence.map((line) => html("li", {}, line)))),
    html("small", {}, `${one.owner ?? "nobody has it yet"} · ${one.confidence_percent} % sure · since ${day(one.opened_at)}`)))));
}

function executions({ executions: running }) {
  const heading = ["Playbooks", running.length || undefined];
  if (running.length === 0) return card("executions", ...heading, empty("No playbook runs."));
  return card("executions", ...heading, html("ul", { class: "lines" }, running.map((one) => {
    const done = one.completion_basis_points / 100;
    const next = one.steps.filter(({ state }) => state === "open");
    return html("li", {},
      html("div", { class: "split" }, html("strong", {}, one.title), html("span", {}, `${number(done, 0)} %`)),
      meter(`${one.title} is ${number(done, 0)} percent done`, done, undefined, "healthy"),
      next.slice(0, 3).map((step) => html("p", { class: step.late ? "over" : "" }, `${step.title}${step.due_on ? `, due ${day(step.due_on)}` : ""}${step.late ? " (late)" : ""}`)),
      one.stuck_on && html("small", { class: "over" }, "stands still"));
  })));
}

/** What comes with every day's business: folded, for the decisions are what is looked for. */
const ROUTINE = new Set(["AccountChanged", "CaseChanged", "CaseOpened", "DataQualityChanged", "EscalationAdvanced", "RecordsQuarantined", "SourceSilent"]);
const DAYS_SHOWN = 8;

function timeline({ entries }) {
  if (entries.length === 0) return card("timeline", "What happened, and why", undefined, empty("Nothing has happened yet."));
  const days = new Map();
  for (const entry of entries) days.set(entry.at.slice(0, 10), [...(days.get(entry.at.slice(0, 10)) ?? []), entry]);
  const items = [...days].map(([on, of]) => {
    const routine = of.filter(({ fact }) => ROUTINE.has(fact));
    const decisions = of.filter(({ fact }) => !ROUTINE.has(fact));
    return html("li", {}, html("h3", {}, html("time", { datetime: on }, day(on))), decisions.length > 0 && lines(decisions),
      routine.length > 0 && html("details", {}, html("summary", {}, `${count(routine.length, "piece")} of news`), lines(routine)));
  });
  const rest = items.slice(DAYS_SHOWN);
  return card("timeline", "What happened, and why", "the latest first", html("ol", { class: "timeline" }, items.slice(0, DAYS_SHOWN)),
    rest.length > 0 && html("details", {}, html("summary", {}, `${count(rest.length, "earlier day")}`), html("ol", { class: "timeline" }, rest)));
}

/** `CtaOpened` as people would say it. */
function said(fact) {
  return human(fact.replaceAll(/(?<=.)[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`).replace(/^Cta/, "Call to action").replace(/^Sla/, "Target"));
}

function lines(some) {
  return html("ul", {}, some.map(({ at, fact, text }) => html("li", { class: MARKED[fact] ?? "" },
    html("time", { datetime: at, class: "small soft" }, clock(at)), html("p", {}, html("strong", {}, said(fact)), html("span", { class: "soft" }, ` ${sentence(text)}`)))));
}
