// Moments that matter by how near they are.

import { html } from "./dom.js";
import { duration, left, when } from "./words.js";

/** What is left until a moment. The page's clock keeps it up to date between answers. */
export function countdown(at, now) {
  if (!at) return html("span", { class: "soft" }, "no clock runs");
  const seconds = (Date.parse(at) - now) / 1000;
  return html("time", { datetime: at, "data-until": at, class: urgency(seconds), title: when(at) }, left(seconds));
}

export function urgency(seconds) {
  return seconds < 0 ? "over" : seconds < 3_600 ? "soon" : "calm";
}

export function due(at, now) {
  const seconds = (Date.parse(at) - now) / 1000;
  const said =
    seconds < 0
      ? `${duration(seconds).split(" ").slice(0, 2).join(" ")} late`
      : `in ${duration(seconds).split(" ").slice(0, 2).join(" ")}`;
  return html("time", { datetime: at, title: when(at), class: seconds < 0 ? "over" : "calm" }, said);
}
