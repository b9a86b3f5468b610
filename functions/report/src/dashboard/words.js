// How names, numbers and moments are said.

/** The bands, the best first, then those that are none. */
export const BANDS = {
  champion: "Champion",
  healthy: "Healthy",
  at_risk: "At risk",
  critical: "Critical",
  emergency: "Emergency",
  provisional: "Too little data",
  unscored: "Not scored yet",
};

export function band(name) {
  return BANDS[name] ?? (name ? human(name) : "No band yet");
}

/** `usage-decline` as people would write it. */
export function human(name) {
  const words = String(name).replaceAll(/[_-]/g, " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** A fact's words as a sentence: names without underscores, and no more digits than anybody reads. */
export function sentence(text) {
  const words = String(text)
    .replaceAll(/\b[a-z]+(_[a-z]+)+\b/g, (name) => name.replaceAll("_", " "))
    .replaceAll(/\d+\.\d{3,}/g, (exact) => Number(exact).toFixed(2));
  return words.charAt(0).toUpperCase() + words.slice(1);
}

export function number(value, digits = 1) {
  return Number(value).toLocaleString(undefined, { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** As exact as it is, to the hundredth. */
export function exact(value) {
  return Number(value).toLocaleString(undefined, { maximumFractionDigits: 2 });
}

/** With its sign; a true minus is as wide as the plus. */
export function signed(value, digits = 1) {
  const said = number(Math.abs(value), digits);
  const isNothing = Number(Math.abs(value).toFixed(digits)) === 0;
  return isNothing ? `±${said}` : `${value < 0 ? "−" : "+"}${said}`;
}

export function count(many, one, more = `${one}s`) {
  return `${many} ${many === 1 ? one : more}`;
}

/** A key figure in its unit. */
export function figure(value, unit) {
  if (value === null || value === undefined) return "—";
  const plain = Number(value);
  if (unit === "percent") return `${trimmed(plain)} %`;
  if (unit === "seconds") return duration(plain);
  if (unit === "currency") return plain.toLocaleString(undefined, { maximumFractionDigits: 0 });
  return trimmed(plain);
}

function trimmed(value) {
  return value.toLocaleString(undefined, { maximumFractionDigits: 1 });
}

export function money(cents) {
  return (cents / 100).toLocaleString(undefined, { maximumFractionDigits: 0 });
}

export function when(time) {
  return new Date(time).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
}

export function day(time) {
  return new Date(time).toLocaleDateString(undefined, { dateStyle: "medium", timeZone: "UTC" });
}

export function clock(time) {
  return new Date(time).toLocaleTimeString(undefined, { timeStyle: "short" });
}

/** The two largest units that are there. */
export function duration(seconds) {
  const whole = Math.floor(Math.abs(seconds));
  const units = [
    [Math.floor(whole / 86_400), "d"],
    [Math.floor(whole / 3_600) % 24, "h"],
    [Math.floor(whole / 60) % 60, "min"],
  ];
  const first = units.findIndex(([many]) => many > 0);
  if (first < 0) return `${whole % 60} s`;
  return units
    .slice(first, first + 2)
    .filter(([many]) => many > 0)
    .map(([many, unit]) => `${many} ${unit}`)
    .join(" ");
}

/** What is left until a moment, to the second in the last hour. */
export function left(seconds) {
  const whole = Math.floor(Math.abs(seconds));
  const said = whole < 3_600 ? `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")} min` : duration(whole);
  return seconds < 0 ? `over by ${said}` : `${said} left`;
}

export function ago(seconds) {
  return seconds < 60 ? "just now" : `${duration(seconds).split(" ").slice(0, 2).join(" ")} ago`;
}
