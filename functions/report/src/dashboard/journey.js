// How an account came here and where it goes: its score by day, marked with what happened, and what is expected.

import { scoreOverTime } from "./charts.js";
import { asTable, card, empty, html } from "./dom.js";
import { band, day, number, sentence } from "./words.js";

/** The facts that are worth a mark on the curve, as the marks call them, those first that say most. */
export const MARKED = {
  BandChanged: "band",
  RiskChanged: "risk",
  CtaOpened: "cta",
  SlaBreached: "escalation",
  PlaybookStarted: "playbook",
  EscalationOpened: "escalation",
};

const WEIGHT = Object.keys(MARKED);

const MOST_MARKS = 8;

export function journey({ entries: newestFirst }, { timeline: said, forecast }) {
  const scored = newestFirst.filter(({ blank }) => !blank);
  if (scored.length === 0) return card("journey", "Score over time", undefined, empty("It was not scored yet."));
  const past = daily(scored);
  const ahead = forecast.data?.points ?? [];
  const events = marks(said.data?.entries ?? [], past[0].at);
  return card(
    "journey",
    "Score over time",
    ahead.length ? "with what is expected of the next four weeks" : undefined,
    scoreOverTime(past, ahead, events),
    html(
      "ul",
      { class: "legend wide" },
      html("li", {}, html("span", { class: "swatch line" }), "score"),
      ahead.length > 0 &&
        html("li", {}, html("span", { class: "swatch fan" }), "80 and 95 of 100 days are expected inside"),
    ),
    !ahead.length && html("p", { class: "soft small" }, expectation(forecast)),
    ahead.length > 0 && html("p", { class: "soft small" }, `The forecast is ${forecast.data.note}.`),
    events.length > 0 &&
      html(
        "ol",
        { class: "marks" },
        events.map(({ number: name, kind, at, text }) =>
          html(
            "li",
            {},
            html("span", { class: `dot ${kind}` }, name),
            html("span", {}, html("small", {}, `${day(at)} `), text),
          ),
        ),
      ),
    asTable(
      "The score by day",
      [
        ["Day", "short"],
        ["Score", "number"],
        ["Band", "short"],
        ["Why it moved", ""],
      ],
      past.toReversed().map((one) => [
        day(one.at),
        number(one.score),
        band(one.band),
        one.reasons
          .slice(0, 2)
          .map(({ text }) => text)
          .join("; "),
      ]),
    ),
    ahead.length > 0 &&
      asTable(
        "What is expected",
        [
          ["Day", "short"],
          ["Middle", "number"],
          ["80 of 100", "short"],
          ["95 of 100", "short"],
        ],
        ahead.map((point) => [
          day(point.on),
          number(point.middle),
          `${number(point.low_80)} – ${number(point.high_80)}`,
          `${number(point.low_95)} – ${number(point.high_95)}`,
        ]),
      ),
  );
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
    if (!days.has(on))
      days.set(on, { at: entry.scored_at, score: entry.score, band: entry.band, reasons: entry.reasons });
  }
  return [...days.values()].reverse();
}

/** The events that say most, the oldest first, numbered as in the list below the curve. */
function marks(newestFirst, begin) {
  const marked = newestFirst
    .filter(
      ({ fact, at, text }) => MARKED[fact] && at.slice(0, 10) > begin.slice(0, 10) && !text.startsWith("from unscored"),
    )
    .sort((one, other) => WEIGHT.indexOf(one.fact) - WEIGHT.indexOf(other.fact))
    .slice(0, MOST_MARKS)
    .sort((one, other) => Date.parse(one.at) - Date.parse(other.at));
  return marked.map(({ at, fact, text }, place) => ({
    at,
    number: String(place + 1),
    kind: MARKED[fact],
    text: sentence(text),
  }));
}
